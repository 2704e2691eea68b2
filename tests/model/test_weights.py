"""Published layouts load strictly; what does not fit is named; nothing foreign is executed."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from posealign.errors import InvalidInput, NotFound, PoseAlignError
from posealign.model.importing import Imported, import_checkpoint, joint_names
from posealign.model.weights import convert, grid_of, read_state, resize_positions
from posealign.skeletons.load import vocabulary
from tests.model.checkpoints import mmpose, official, randomise, sapiens
from tests.model.test_vitpose_equality import TINY, our_heatmaps, ours, pixels_of, relative
from tests.model.toys import ToyText

State = dict[str, Tensor]


def imported(state: State, **options: object) -> Imported:
    checkpoint = convert(state, "test.pth", heads=4, **options)  # type: ignore[arg-type]
    text = ToyText(148, checkpoint.rows().shape[1])
    return import_checkpoint(checkpoint, "test.pth", text=text, decoder=TINY)


@pytest.mark.parametrize("head", ["classic", "simple"])
def test_official_and_mmpose_layouts_are_the_same_model(head: str) -> None:
    state = official(head=head)
    pixels = pixels_of((48, 64))
    first, second = ours(state, 4), ours(mmpose(state), 4)
    assert relative(our_heatmaps(second, pixels), our_heatmaps(first, pixels)) < 1e-5


def test_sapiens_layout_loads() -> None:
    """Instance norms have no tensors; SiLU and two 1×1 convolutions stand behind."""
    model = imported(sapiens()).model
    assert model.encoder.channels == 24
    maps = our_heatmaps(model, pixels_of((48, 64)))
    assert maps.isfinite().all()
    assert float(maps.std()) > 0


def test_sapiens_three_hundred_and_eight_joints_find_their_names() -> None:
    found = imported(sapiens(joints=308))
    assert found.placed[8] == "right_elbow"
    assert found.placed[9] == "left_hip"
    assert found.placed[15] == "left_big_toe"
    assert found.placed[21] == "right_thumb4"
    assert found.placed[41] == "right_wrist"
    assert found.placed[62] == "left_wrist"
    assert found.placed[69] == "neck"
    assert len(found.trained) == 64
    row = convert(sapiens(joints=308), "s", heads=4).rows()[69]
    torch.testing.assert_close(found.model.table[vocabulary().index("neck")], row)


def test_whole_body_rows_go_to_their_joints() -> None:
    found = imported(official(joints=133))
    assert len(found.trained) == 133
    assert float(found.model.table[vocabulary().index("spine1")].detach().abs().max()) == 0


def test_another_head_of_a_multi_dataset_checkpoint() -> None:
    state = official(experts=3)
    other = {k.replace("keypoint_head", "associate_keypoint_heads.1"): v + 1
             for k, v in official(joints=133).items() if k.startswith("keypoint_head")}  # fmt: skip
    found = imported(state | other, head_index=2)
    assert len(found.trained) == 133
    assert len(imported(state | other).trained) == 17
    with pytest.raises(InvalidInput, match="has heads 0 to 1, not 5"):
        imported(state | other, head_index=5)


def test_a_head_of_no_known_skeleton_asks_for_one() -> None:
    with pytest.raises(InvalidInput, match="a head with 16 joints"):
        joint_names(16)
    with pytest.raises(InvalidInput, match="'vocabulary' has 148 joints, the head has 16"):
        joint_names(16, vocabulary())
    assert joint_names(148, vocabulary())[:2] == (None, None)


LAYOUTS = {"official": official(), "mmpose": mmpose(official()), "sapiens": sapiens()}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_missing_key_is_named(layout: str) -> None:
    state = dict(LAYOUTS[layout])
    gone = next(k for k in state if k.startswith(("backbone.blocks.1.", "backbone.layers.1.")))
    del state[gone]
    with pytest.raises(PoseAlignError, match=r"missing (vit\.)?blocks\.1\."):
        imported(state)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_extra_key_is_named(layout: str) -> None:
    state = LAYOUTS[layout] | {"backbone.surprise.weight": torch.zeros(3)}
    with pytest.raises(InvalidInput, match=r"unknown keys: backbone\.surprise\.weight"):
        imported(state)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_misshapen_key_is_named(layout: str) -> None:
    state = dict(LAYOUTS[layout])
    name = next(k for k in state if k.endswith("attn.proj.weight"))
    state[name] = torch.zeros(48, 47)
    with pytest.raises(
        InvalidInput, match=r"attn\.proj\.weight is \[48, 47\], expected \[48, 48\]"
    ):
        imported(state)


def test_other_networks_are_refused() -> None:
    with pytest.raises(InvalidInput, match="no ViTPose checkpoint we know"):
        convert({"conv1.weight": torch.zeros(3)}, "resnet.pth")
    with pytest.raises(InvalidInput, match="width 48 is of no known size"):
        convert(official(), "odd.pth")


def test_files_are_read_as_tensors_only(tmp_path: Path) -> None:
    state = official()
    torch.save({"state_dict": state, "meta": {"epoch": 3}}, tmp_path / "good.pth")
    assert set(read_state(tmp_path / "good.pth")) == set(state)
    save_file(state, tmp_path / "good.safetensors")
    assert set(read_state(tmp_path / "good.safetensors")) == set(state)

    ran = tmp_path / "ran"

    class Foreign:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (ran,))  # type: ignore[return-value]

    torch.save({"state_dict": state, "meta": Foreign()}, tmp_path / "evil.pth")
    with pytest.raises(InvalidInput, match="could run foreign code"):
        read_state(tmp_path / "evil.pth")
    (tmp_path / "raw.pth").write_bytes(pickle.dumps(Foreign()))
    with pytest.raises(InvalidInput):
        read_state(tmp_path / "raw.pth")
    assert not ran.exists()


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 but no zip"])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_broken_files_are_named(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"broken\."):
        read_state(path)
    with pytest.raises(NotFound, match="there is no file"):
        read_state(tmp_path / "absent.pth")


def test_positions_keep_the_class_and_interpolate_the_grid() -> None:
    pos = randomise({"pos_embed": torch.zeros(1, 13, 8)})["pos_embed"]
    same = resize_positions(pos, (4, 3), (4, 3))
    assert same is pos
    grown = resize_positions(pos, (4, 3), (8, 6))
    assert grown.shape == (1, 49, 8)
    torch.testing.assert_close(grown[:, :1], pos[:, :1])
    # A ramp over the grid stays a ramp inside.
    ramp = torch.cat([torch.zeros(1, 1, 1), torch.arange(12.0).reshape(1, 12, 1) // 3], 1)
    rows = resize_positions(ramp, (4, 3), (8, 6))[0, 1:, 0].reshape(8, 6)[2:6, 0]
    torch.testing.assert_close(rows, torch.tensor([0.75, 1.25, 1.75, 2.25]), atol=0.1, rtol=0)


def test_another_input_size_runs() -> None:
    checkpoint = convert(official(), "test.pth", heads=4)
    text = ToyText(148, 257)
    model = import_checkpoint(
        checkpoint, "test.pth", input_size=(96, 96), text=text, decoder=TINY
    ).model
    assert our_heatmaps(model, pixels_of((96, 96))).shape == (1, 17, 24, 24)
    with pytest.raises(InvalidInput, match="sides must be multiples of 16"):
        import_checkpoint(checkpoint, "x", input_size=(100, 96), text=text)


def test_the_grid_of_a_portrait_input_is_guessed() -> None:
    assert grid_of(192, "x") == (16, 12)
    assert grid_of(3072, "x") == (64, 48)
    with pytest.raises(InvalidInput, match="of no 4:3 input"):
        grid_of(196, "x")
