"""Drawing with MuJoCo: one model and one context for all samples; every skin's vertices, textures,
boxes, lights and the camera are written anew for each picture.

Shapes: H, W picture; M drawn vertices.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from posealign.errors import InvalidInput
from posealign.synth import atlas
from posealign.synth.body import BONES
from posealign.synth.graphics import context
from posealign.synth.grid import ROOM, grid_faces, grid_uv, room
from posealign.synth.physics import engine
from posealign.synth.stage import (
    BED,
    BLANKET,
    CLOTH,
    FAR,
    NEAR,
    ROOM_CODE,
    SECOND,
    Camera,
    Light,
    Rendered,
    Solid,
    Stage,
    grid_normals,
    look_at,
)
from posealign.synth.surface import Floats

SUPERSAMPLE = 1.25
BACKS = {"lining": "blanket", **{f"paper{k}": f"wall{k}" for k in range(4)}}
SHADOW = 224  # pixels of the lamp's depth picture


def _build(buffer: int) -> Any:
    mujoco = engine()
    spec = mujoco.MjSpec()
    spec.visual.global_.offwidth = spec.visual.global_.offheight = buffer
    spec.visual.quality.offsamples = 0
    spec.visual.quality.shadowsize = 0
    spec.visual.map.znear = 0.01
    spec.worldbody.add_body(name="b").add_geom(
        type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[0.001, 0, 0], rgba=[0, 0, 0, 0], mass=1
    )
    for number in range(2):
        light = spec.worldbody.add_light(pos=[0, 0, 2 + number], dir=[0, 0, -1])
        light.castshadow = False
    sizes = {
        "fig0": atlas.SIZE,
        "fig1": atlas.SIZE,
        "blanket": 256,
        "sheet": 256,
        "floor": 256,
        "wall": 64,
    }
    for name, size in sizes.items():
        spec.add_texture(name=name, type=mujoco.mjtTexture.mjTEXTURE_2D, width=size, height=size,
                         builtin=mujoco.mjtBuiltin.mjBUILTIN_FLAT, rgb1=[1, 1, 1])  # fmt: skip
        material = spec.add_material(name=name, specular=0.12, shininess=0.25)
        material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = name

    def add(name: str, material: str, count: int, faces: NDArray[np.int64], uv: Floats) -> None:
        start = np.random.default_rng(0).normal(0, 0.1, (count, 3))
        spec.add_skin(
            name=name, material=material, vert=start.ravel().tolist(), face=faces.ravel().tolist(),
            texcoord=uv.ravel().tolist(), bodyname=["b"], bindpos=[0, 0, 0], bindquat=[1, 0, 0, 0],
            vertid=[list(range(count))], vertweight=[[1.0] * count])  # fmt: skip

    for number in range(2):
        for skin in atlas.drawn():
            add(
                f"{number}_{skin.bone}",
                f"fig{number}",
                len(skin.vertices_M),
                skin.faces_F3,
                skin.uv_M2,
            )
    for name, n in (("blanket", CLOTH), ("sheet", CLOTH), ("floor", ROOM)):
        add(name, name, n * n, grid_faces(n), grid_uv(n))
    for number in range(4):
        add(f"wall{number}", "wall", ROOM * ROOM, grid_faces(ROOM), grid_uv(ROOM))
    # What is shaded has one side: these are seen from the other.
    for name, front in BACKS.items():
        n, material = (CLOTH, front) if front == "blanket" else (ROOM, "wall")
        add(name, material, n * n, grid_faces(n)[:, ::-1], grid_uv(n))
    return spec.compile()


class Renderer:
    """Keep one alive: building the model and the context takes a second."""

    def __init__(self, size: int = 256) -> None:
        mujoco = engine()
        self._m = mujoco
        self.size = size
        # Attributes of MuJoCo's enums are looked up slowly; a picture needs hundreds.
        geom, flags = mujoco.mjtGeom, mujoco.mjtRndFlag
        self._kinds = {
            "box": geom.mjGEOM_BOX.value, "ball": geom.mjGEOM_SPHERE.value,
            "ellipsoid": geom.mjGEOM_ELLIPSOID.value, "capsule": geom.mjGEOM_CAPSULE.value,
            "cylinder": geom.mjGEOM_CYLINDER.value,
        }  # fmt: skip
        self._none, self._dynamic = geom.mjGEOM_NONE.value, mujoco.mjtCatBit.mjCAT_DYNAMIC.value
        self._off = [
            int(flag) for flag in (flags.mjRND_SHADOW, flags.mjRND_REFLECTION, flags.mjRND_SKYBOX,
                                   flags.mjRND_FOG, flags.mjRND_HAZE)
        ]  # fmt: skip
        # Half of all triangles look away from a camera, and a third of its time goes with them.
        # The pass that labels come from draws them all: a few pixels at outlines depend on it.
        self._cull = int(flags.mjRND_CULL_FACE)
        self._ids = [int(flags.mjRND_SEGMENT), int(flags.mjRND_IDCOLOR)]
        self._directional = mujoco.mjtLightType.mjLIGHT_DIRECTIONAL.value
        buffer = max(round(size * SUPERSAMPLE), SHADOW)
        self.model = _build(buffer)
        self._data = mujoco.MjData(self.model)
        mujoco.mj_forward(self.model, self._data)
        self._gl = context(buffer)
        self._con = mujoco.MjrContext(self.model, mujoco.mjtFontScale.mjFONTSCALE_100)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._con)
        self._scn = mujoco.MjvScene(self.model, maxgeom=600)
        option = mujoco.MjvOption()
        option.flags[mujoco.mjtVisFlag.mjVIS_SKIN] = 1
        mujoco.mjv_updateScene(
            self.model, self._data, option, None, mujoco.MjvCamera(),
            mujoco.mjtCatBit.mjCAT_ALL.value, self._scn)  # fmt: skip
        scn = self._scn
        self._skin_geoms = [
            k for k in range(scn.ngeom) if scn.geoms[k].objtype == mujoco.mjtObj.mjOBJ_SKIN
        ]
        self._fixed = scn.ngeom
        self._skin_type = scn.geoms[self._skin_geoms[0]].type
        names = [self.model.skin(scn.geoms[k].objid).name for k in self._skin_geoms]
        self._geom_of = dict(zip(names, self._skin_geoms, strict=True))
        addresses, counts = self.model.skin_vertadr, self.model.skin_vertnum
        self._span = {
            self.model.skin(k).name: slice(int(addresses[k]), int(addresses[k] + counts[k]))
            for k in range(self.model.nskin)
        }
        self._gather = [np.concatenate([d.vertices_M for d in atlas.drawn()]) for _ in range(2)]
        self._figure_span = []
        for number in range(2):
            spans = [self._span[f"{number}_{d.bone}"] for d in atlas.drawn()]
            self._figure_span.append(slice(spans[0].start, spans[-1].stop))
        self._textures: dict[str, NDArray[np.uint8]] = {}
        self._white = np.full((64, 64, 3), 255, np.uint8)

    def close(self) -> None:
        self._con.free()
        self._gl.free()

    def draw(self, stage: Stage) -> Rendered:
        """The picture (shaded, with soft shadows), the exact depth and what each pixel shows."""
        self._gl.make_current()
        codes = self._load(stage)
        camera = stage.camera
        big = (round(camera.width * SUPERSAMPLE), round(camera.height * SUPERSAMPLE))
        if max(big) > self.model.vis.global_.offwidth:
            raise InvalidInput(
                f"a picture of {camera.width}×{camera.height} is larger than this renderer's "
                f"{self.size}; make a Renderer({max(camera.width, camera.height)})"
            )
        self._light(stage.light)
        self._pass(camera, big, shaded=True)
        size = (camera.width, camera.height)
        rgb = np.asarray(cv2.resize(self._colours(big), size, interpolation=cv2.INTER_AREA))
        self._hide(*BACKS)
        self._pass(camera, size, shaded=False, cull=False)
        ids, depth = self._colours(size), self._depth(size)
        parts = codes[ids[..., 0].astype(np.uint16) + 256 * ids[..., 1].astype(np.uint16)]
        darker = self._darkness(stage, depth)
        shaded = cv2.multiply(rgb, cv2.merge([darker] * 3), dtype=cv2.CV_8U)
        return Rendered(np.asarray(shaded, np.uint8), depth, parts)

    # How a stage gets into MuJoCo's scene.

    def _load(self, stage: Stage) -> NDArray[np.uint8]:
        scn = self._scn
        vert, normal = scn.skinvert.reshape(-1, 3), scn.skinnormal.reshape(-1, 3)
        shown: set[str] = set()
        for number, figure in enumerate(stage.figures):
            span, take = self._figure_span[number], self._gather[number]
            vert[span], normal[span] = figure.vertices_N3[take], figure.normals_N3[take]
            self._texture(f"fig{number}", figure.texture)
            shown |= {f"{number}_{d.bone}" for d in atlas.drawn()}
        cloths = {"sheet": stage.sheet, "blanket": stage.blanket}
        for name, cloth in cloths.items():
            if cloth is None:
                continue
            vert[self._span[name]] = cloth.vertices_CC3.reshape(-1, 3)
            normal[self._span[name]] = grid_normals(cloth.vertices_CC3).reshape(-1, 3)
            self._texture(name, cloth.texture)
            shown.add(name)
        self._room(stage, vert, normal)
        shown |= {"floor", *(f"wall{k}" for k in range(4))}
        for name, front in BACKS.items():
            if front in shown:
                vert[self._span[name]] = vert[self._span[front]]
                normal[self._span[name]] = normal[self._span[front]]
                shown.add(name)
        codes = np.zeros(65536, np.uint8)
        for name, index in self._geom_of.items():
            scn.geoms[index].type = self._skin_type if name in shown else self._none
            codes[scn.geoms[index].segid + 1] = _code(name)
        for offset, solid in enumerate(stage.solids):
            index = self._fixed + offset
            self._solid(scn.geoms[index], solid)
            scn.geoms[index].segid = 1000 + offset
            codes[1001 + offset] = solid.code
        scn.ngeom = self._fixed + len(stage.solids)
        return codes

    def _hide(self, *names: str) -> None:
        for name in names:
            self._scn.geoms[self._geom_of[name]].type = self._none

    def _solid(self, geom: Any, solid: Solid) -> None:
        kind, place = self._kinds[solid.kind], np.asarray(solid.position, float)
        rgba = np.array([*solid.colour, 1.0], np.float32)
        turn = np.ascontiguousarray(solid.R, float).ravel()
        self._m.mjv_initGeom(geom, kind, np.array(solid.size, float), place, turn, rgba)
        if solid.end is not None:
            end = np.asarray(solid.end, float)
            self._m.mjv_connector(geom, kind, solid.size[0], place, end)
        geom.specular, geom.shininess, geom.matid = solid.shine, 0.4, -1
        geom.category = self._dynamic

    def _room(self, stage: Stage, vert: NDArray[np.float32], normal: NDArray[np.float32]) -> None:
        self._texture("floor", stage.floor)
        for name, (points, inward) in room(stage.room, stage.floor_z).items():
            vert[self._span[name]], normal[self._span[name]] = points, inward

    def _texture(self, name: str, image: NDArray[np.uint8]) -> None:
        """Upload unless the very same array is there already."""
        if self._textures.get(name) is image:
            return
        self._textures[name] = image
        index = self.model.texture(name).id
        start = int(self.model.tex_adr[index])
        size = (int(self.model.tex_height[index]), int(self.model.tex_width[index]))
        if image.shape[:2] != size:
            image = cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        self.model.tex_data[start : start + image.size] = image.ravel()
        self._m.mjr_uploadTexture(self.model, self._con, index)

    def _light(self, light: Light) -> None:
        scn = self._scn
        tint = np.array(light.tint)
        away = light.target - light.position
        key, fill = scn.lights[0], scn.lights[1]
        key.pos, key.dir = light.position, away / np.linalg.norm(away)
        key.diffuse, key.ambient, key.specular = (
            light.key * tint,
            light.ambient * tint,
            0.25 * light.key * tint,
        )
        # The fill comes from the camera's side of the sky and throws no shadow.
        fill.pos, fill.dir = (
            light.target + np.array([0.5, -0.4, 2.5]),
            np.array([-0.2, 0.16, -1.0]) / 1.03,
        )
        fill.diffuse, fill.ambient, fill.specular = (
            light.fill * light.key * tint,
            0.0 * tint,
            0.0 * tint,
        )
        for one in (key, fill):
            one.castshadow = 0
            one.headlight = 0
            one.attenuation = [1, 0, 0]
            one.type = self._directional

    def _pass(self, camera: Camera, size: tuple[int, int], shaded: bool, cull: bool = True) -> None:
        m, scn = self._m, self._scn
        for flag in self._off:
            scn.flags[flag] = 0
        scn.flags[self._cull] = int(cull)
        for flag in self._ids:
            scn.flags[flag] = 0 if shaded else 1
        for eye in (scn.camera[0], scn.camera[1]):
            eye.pos, eye.forward, eye.up = camera.position, camera.R[2], -camera.R[1]
            eye.frustum_near, eye.frustum_far, eye.orthographic = NEAR, FAR, 0
            eye.frustum_top = camera.height / 2 / camera.focal * NEAR
            eye.frustum_bottom = -eye.frustum_top
            eye.frustum_center = 0.0
            eye.frustum_width = camera.width / 2 / camera.focal * NEAR
        m.mjr_render(m.MjrRect(0, 0, *size), scn, self._con)

    def _colours(self, size: tuple[int, int]) -> NDArray[np.uint8]:
        rgb = np.empty((size[1], size[0], 3), np.uint8)
        self._m.mjr_readPixels(rgb, None, self._m.MjrRect(0, 0, *size), self._con)
        return rgb[::-1]

    def _depth(self, size: tuple[int, int]) -> NDArray[np.float32]:
        raw = np.empty((size[1], size[0]), np.float32)
        self._m.mjr_readPixels(None, raw, self._m.MjrRect(0, 0, *size), self._con)
        return (NEAR / (1 - raw[::-1].astype(np.float64) * (1 - NEAR / FAR))).astype(np.float32)

    def _darkness(self, stage: Stage, depth_HW: NDArray[np.float32]) -> NDArray[np.float32]:
        """What soft shadows leave of the light, by a depth picture taken at the lamp, and what
        creases leave.
        """
        camera, light = stage.camera, stage.light
        left = 1 - np.float32(0.45) * _creases(np.minimum(depth_HW, np.float32(4)), camera.focal)
        if light.falloff > 0:  # it shines from the camera, and what it hides the camera hides, too
            near = np.float32(np.linalg.norm(light.target - camera.position))
            fade = cv2.pow(near / np.maximum(depth_HW, np.float32(0.1)), light.falloff)
            return np.asarray(left * np.minimum(fade, np.float32(1.15)), np.float32)
        lamp = _looking(light.position, light.target, SHADOW)
        # A lamp shines through the walls, and a sheet throws no shadow that its mattress does not.
        self._hide("sheet", "floor", *(f"wall{k}" for k in range(4)))
        self._pass(lamp, (SHADOW, SHADOW), shaded=False)
        seen = self._depth((SHADOW, SHADOW))
        x, y, z = _seen_from(lamp, camera, depth_HW)
        np.maximum(z, np.float32(1e-3), out=z)
        middle = (SHADOW - 1) / 2
        lx, ly = lamp.focal * x / z + middle, lamp.focal * y / z + middle
        nearest = cv2.remap(seen, lx, ly, cv2.INTER_NEAREST, borderValue=99.0)
        hard = (nearest > z - np.float32(0.012)).astype(np.float32)
        lit = cv2.GaussianBlur(hard, (0, 0), max(0.5, light.softness * camera.focal / 300))
        shadow = np.float32(light.shadow)
        return np.asarray((1 - shadow + shadow * lit) * left, np.float32)


def _seen_from(
    lamp: Camera, camera: Camera, depth_HW: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Right, down and away of every pixel's surface in the lamp's frame."""
    fx, fy, cx, cy = camera.intrinsics
    across = ((np.arange(camera.width) - cx) / fx).astype(np.float32)
    down = ((np.arange(camera.height) - cy) / fy).astype(np.float32)[:, None]
    turn = (lamp.R @ camera.R.T).astype(np.float32)
    shift = (lamp.R @ (camera.position - lamp.position)).astype(np.float32)
    x, y, z = (
        depth_HW * (turn[k, 0] * across + (turn[k, 1] * down + turn[k, 2])) + shift[k]
        for k in range(3)
    )
    return x, y, z


def _creases(depth_HW: NDArray[np.float32], focal: float) -> NDArray[np.float32]:
    """How shut in a place is, 0 … 1: nearer surfaces around it, but none much nearer. Found on
    every second pixel, since it is blurred anyway.
    """
    half = np.ascontiguousarray(depth_HW[::2, ::2])
    middle = focal / float(np.median(half)) / 2
    total, rise, fall = np.zeros_like(half), np.empty_like(half), np.empty_like(half)
    h, w = half.shape
    for radius in (0.012, 0.035):
        step = max(1, round(radius * middle))
        wide = cv2.copyMakeBorder(half, step, step, step, step, cv2.BORDER_REPLICATE)
        scale = np.float32(1 / (2.5 * radius))
        for dy, dx in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (1, -1), (-1, 1)):
            y, x = step * (1 - dy), step * (1 - dx)
            np.subtract(half, wide[y : y + h, x : x + w], out=rise)
            rise *= scale
            # As much as it rises, up to 1; nothing from where it rises by 3.
            np.subtract(np.float32(3), rise, out=fall)
            np.minimum(rise, fall, out=rise)
            total += np.clip(rise, 0, 1, out=rise)
    soft = np.minimum(total * np.float32(1 / 9), np.float32(1))
    soft = np.asarray(cv2.GaussianBlur(soft, (0, 0), max(0.5, 0.008 * middle)))
    size = (depth_HW.shape[1], depth_HW.shape[0])
    return np.asarray(cv2.resize(soft, size, interpolation=cv2.INTER_LINEAR), np.float32)


def _looking(position: Floats, target: Floats, size: int) -> Camera:
    """A square camera that has 1.3 m around the target in view."""
    away = target - position
    distance = float(np.linalg.norm(away))
    return Camera(position, look_at(position, target, 0.0), size * distance / 1.5, size, size)


def _code(name: str) -> int:
    if name[:2] in ("0_", "1_"):
        return (1 if name[0] == "0" else SECOND) + BONES.index(name[2:])
    return {"blanket": BLANKET, "sheet": BED}.get(name, ROOM_CODE)
