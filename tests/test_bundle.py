"""A bundle that was changed, cut short or made for another version is not believed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from posealign import bundle as bundles
from posealign.bundle import InputSpec, Metadata, VocabularySpec
from posealign.errors import BrokenBundle, InvalidInput, NotFound


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The bundle rules are about files and bytes; what is in the graphs does not matter here."""
    folder = tmp_path / "small"
    folder.mkdir()
    for name in bundles.REQUIRED:
        (folder / name).write_bytes(f"content of {name}".encode())
    (folder / "weights.safetensors").write_bytes(b"weights")
    bundles.write(folder, metadata())
    return folder


def metadata(**changes: object) -> Metadata:
    values: dict[str, object] = {
        "name": "small",
        "input": InputSpec(width=192, height=256),
        "vocabulary": VocabularySpec(count=2, digest=bundles.vocabulary_digest(["nose", "neck"])),
        "skeletons": ("coco17",),
    }
    return Metadata.model_validate({**values, **changes})


def test_what_was_written_is_read(folder: Path) -> None:
    found = bundles.load(folder)
    assert (found.name, found.input_size) == ("small", (192, 256))
    assert len(found.digest) == 64
    assert found.metadata == bundles.load(folder, verify=False).metadata
    assert found.path("image.onnx").read_bytes() == b"content of image.onnx"
    assert found.bytes == sum(p.stat().st_size for p in folder.glob("[!b]*"))
    assert not (folder / "bundle.json.partial").exists()


def test_the_digest_covers_everything(folder: Path, tmp_path: Path) -> None:
    before = bundles.load(folder).digest
    assert bundles.write(folder, metadata()).digest == before
    assert bundles.write(folder, metadata(version="0.2.0")).digest != before
    bundles.write(folder, metadata())
    (folder / "text.onnx").write_bytes(b"other")
    assert bundles.write(folder, metadata()).digest != before


@pytest.mark.parametrize("name", bundles.REQUIRED)
def test_a_changed_file_is_noticed(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(bytes([content[0] ^ 1]) + content[1:])
    with pytest.raises(BrokenBundle, match=f"{name} has digest"):
        bundles.load(folder)
    (folder / name).write_bytes(content[:-1])
    with pytest.raises(BrokenBundle, match=f"{name} has {len(content) - 1} bytes"):
        bundles.load(folder, verify=False)
    (folder / name).unlink()
    with pytest.raises(BrokenBundle, match=f"{name} is missing"):
        bundles.load(folder)


def test_weights_may_stay_away_but_not_change(folder: Path) -> None:
    (folder / "weights.safetensors").unlink()
    found = bundles.load(folder)
    with pytest.raises(NotFound, match=r"came without weights\.safetensors"):
        found.path("weights.safetensors")
    with pytest.raises(NotFound, match=r"did you mean 'image\.onnx'"):
        found.path("imge.onnx")


def edit(folder: Path, **changes: object) -> None:
    path = folder / "bundle.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), "utf-8")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": "9"}, "changed after it was written"),
        ({"digest": "0" * 64}, "changed after it was written"),
        ({"graph_version": 7}, "graph version 7; this posealign reads 1"),
        ({"graph_version": None}, "graph version None"),
        ({"colour": "blue"}, "colour: no such field"),
        ({"input": {"width": 5, "height": 256}}, "input.width"),
    ],
)
def test_bundle_json_is_validated(folder: Path, changes: dict[str, object], message: str) -> None:
    edit(folder, **changes)
    with pytest.raises(BrokenBundle, match=message):
        bundles.load(folder)


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[1]", b""])
def test_bundle_json_must_be_json(folder: Path, content: bytes) -> None:
    (folder / "bundle.json").write_bytes(content)
    with pytest.raises(BrokenBundle):
        bundles.load(folder)


def test_files_elsewhere_are_refused(folder: Path) -> None:
    found = bundles.load(folder).metadata
    outside = {**found.files, "../secret": found.files["image.onnx"]}
    moved = found.model_copy(update={"files": outside})
    edit(folder, **json.loads(
        moved.model_copy(update={"digest": bundles.digest_of(moved)}).model_dump_json()
    ))  # fmt: skip
    with pytest.raises(BrokenBundle, match="does not lie in the bundle's folder"):
        bundles.load(folder)


def test_half_a_bundle_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "image.onnx").write_bytes(b"x")
    with pytest.raises(InvalidInput, match=r"locate\.onnx, select\.onnx"):
        bundles.write(tmp_path, metadata())


def test_bundles_are_found_by_name_and_by_path(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSEALIGN_HOME", str(folder.parent))
    (folder.parent / "bundles").mkdir()
    folder.rename(folder.parent / "bundles" / "small")
    assert bundles.find("small").name == "small"
    path = folder.parent / "bundles" / "small"
    assert bundles.find(path).digest == bundles.find(str(path / "bundle.json")).digest
    assert "small" in bundles.available()
    with pytest.raises(NotFound, match="did you mean 'small'"):
        bundles.find("smal")


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="is not a bundle"):
        bundles.find(tmp_path)


def test_another_vocabulary_is_another_model(folder: Path) -> None:
    found = bundles.load(folder)
    found.require_vocabulary(bundles.vocabulary_digest(["nose", "neck"]))
    with pytest.raises(BrokenBundle, match="made for another vocabulary"):
        found.require_vocabulary(bundles.vocabulary_digest(["neck", "nose"]))


def test_bundles_need_no_torch() -> None:
    code = "import sys, posealign.bundle; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
