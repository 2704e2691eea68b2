"""PoseModel: look once (`image`), ask many (`text`, `select`), place what was asked (`locate`).

Each method is one exported graph and returns a dict with that graph's output names.
Shapes: B batch, C channels, h×w heatmap, N×D picture tokens, L×T text tokens, V vocabulary,
K joints to place, R = C·kernel² + 1 the width of a joint vector (weights, then bias).
"""

from __future__ import annotations

from importlib import import_module

import torch
from torch import Tensor, nn

from posealign.errors import InvalidConfig, InvalidInput, MissingExtra
from posealign.model.config import Calibration, PoseConfig
from posealign.model.decoder import Decoder
from posealign.model.glance import with_features
from posealign.model.heads import Locator, heatmaps

Outputs = dict[str, Tensor]


class PoseModel(nn.Module):
    """`encoder` and `text` replace those named in the config (for tests and experiments)."""

    def __init__(
        self, config: PoseConfig, encoder: nn.Module | None = None, text: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.config = config
        self.encoder = build_encoder(config) if encoder is None else encoder
        self.channels = _said(self.encoder, "channels")
        self.token_width = _said(self.encoder, "token_width", "width")
        if config.decoder.glance:
            self.token_width += self.channels
        self.vector_width = self.channels * config.kernel**2 + 1
        self.words = build_text(config, self.vector_width) if text is None else text
        self.text_width = _said(self.words, "width")
        # Every joint is a vector; this is ViTPose's last convolution, one row a joint.
        self.table = nn.Parameter(torch.randn(config.joints, self.vector_width) * 0.01)
        with torch.no_grad():
            self.table[:, -1] = 0
        self.decoder = Decoder(
            config.decoder,
            config.joints,
            self.token_width,
            config.tokens,
            self.text_width,
            self.vector_width,
            self.channels,
        )
        self.locator = Locator(
            config.grid, (config.width, config.height), config.target, config.dark_kernel
        )
        self.locator.calibrate(config.calibration)

    def image(self, pixels_BHW3: Tensor, dataset_B: Tensor | None = None) -> Outputs:
        height, width = self.config.height, self.config.width
        if tuple(pixels_BHW3.shape[1:]) != (height, width, 3):
            raise InvalidInput(
                f"expected pixels [B, {height}, {width}, 3], got {list(pixels_BHW3.shape)}"
            )
        with_dataset = () if dataset_B is None else (dataset_B,)
        seen: Outputs = self.encoder(pixels_BHW3, *with_dataset)
        if self.decoder.glance is not None:
            seen = {**seen, "tokens": with_features(seen["tokens"], seen["features"])}
        return seen

    def text(self, ids_BL: Tensor) -> Outputs:
        return self.words(ids_BL)  # type: ignore[no-any-return]

    def select(
        self, tokens_BND: Tensor, text_tokens_BLT: Tensor, ids_BL: Tensor, crop_B4: Tensor
    ) -> Outputs:
        joints, delta, state, z, crop = self.decoder.look(tokens_BND, crop_B4)
        asked, gate = self.decoder.ask(joints, crop, text_tokens_BLT, ids_BL)
        vectors = self.table + delta
        found = {"asked": asked, "gate": gate, "vectors": vectors, "state": state, "z": z}
        hider = self.decoder.joint_heads.hidden_by(joints)
        return found if hider is None else {**found, "hider": hider}

    def locate(self, features_BChw: Tensor, vectors_BKR: Tensor) -> Outputs:
        maps = heatmaps(features_BChw, vectors_BKR, self.config.kernel)
        xy, confidence, radius = self.locator(maps)
        return {"xy": xy, "confidence": confidence, "radius": radius}

    def heatmaps(self, features_BChw: Tensor, vectors_BKR: Tensor) -> Tensor:
        """[B, K, h, w]: logits over cells, or ViTPose's own heatmaps where it was imported."""
        return heatmaps(features_BChw, vectors_BKR, self.config.kernel)

    def forward(
        self,
        pixels_BHW3: Tensor,
        ids_BL: Tensor,
        crop_B4: Tensor,
        joints_K: Tensor | None = None,
        dataset_B: Tensor | None = None,
    ) -> Outputs:
        """For training: all outputs but locate's, and `heatmaps` of `joints_K` (None: all)."""
        seen = self.image(pixels_BHW3, dataset_B)
        read = dict(self.text(ids_BL))
        chosen = self.select(seen["tokens"], read["text_tokens"], ids_BL, crop_B4)
        vectors = chosen["vectors"] if joints_K is None else chosen["vectors"][:, joints_K]
        read["text_asked"], read["text_gate"] = read.pop("asked"), read.pop("gate")
        return {**seen, **read, **chosen, "heatmaps": self.heatmaps(seen["features"], vectors)}

    @torch.no_grad()
    def set_joint_words(self, words_VT: Tensor) -> None:
        """Fill the table of the joints' own words, e.g. with pooled text tokens of their names."""
        if words_VT.shape != self.decoder.joint_words.shape:
            raise InvalidInput(
                f"expected joint words {list(self.decoder.joint_words.shape)}, "
                f"got {list(words_VT.shape)}"
            )
        self.decoder.joint_words.copy_(words_VT)

    def calibrate(self, calibration: Calibration) -> None:
        self.locator.calibrate(calibration)
        self.config = self.config.model_copy(update={"calibration": calibration})


def _said(module: nn.Module, *names: str) -> int:
    """A size that a module or its config says under one of these names."""
    for owner in (module, getattr(module, "config", None)):
        for name in names:
            if isinstance(size := getattr(owner, name, None), int):
                return size
    raise InvalidConfig(f"{type(module).__name__} does not say its {names[0]}")


def build_encoder(config: PoseConfig) -> nn.Module:
    """hybrid, vit or timm:NAME; imported here, for each needs packages the others do not."""
    name, size = config.encoder.name, (config.width, config.height)
    options = config.encoder.options
    try:
        if name == "hybrid":
            module = import_module("posealign.model.hybrid")
            encoder: nn.Module = module.Hybrid(module.HybridConfig(input_size=size, **options))
        elif name == "vit":
            encoder = import_module("posealign.model.backbone").ViTEncoder(size, **options)
        else:
            module = import_module("posealign.model.timm_backbone")
            encoder = module.TimmEncoder(name.removeprefix("timm:"), size, **options)
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"the encoder {name!r} needs {error.name}: pip install 'posealign[train]'"
        ) from error
    except TypeError as error:
        raise InvalidConfig(f"the encoder {name!r}: {error}") from error
    return encoder


def build_text(config: PoseConfig, vector_width: int) -> nn.Module:
    """Ours, or with `hugging_face: NAME` a pretrained encoder under our readers and heads."""
    module = import_module("posealign.model.text")
    options = {"vector_width": vector_width, **config.text}
    name = options.pop("hugging_face", None)
    try:
        shape = module.TextConfig(**options)
    except TypeError as error:
        raise InvalidConfig(f"text: {error}") from error
    if name is None:
        text: nn.Module = module.TextModel(shape)
    else:
        text = import_module("posealign.model.hf_text").HuggingFaceText(name, shape)
    return text
