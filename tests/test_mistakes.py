"""Mistakes of a newcomer's first hour, each made on purpose: one sentence, the right exit code."""

from __future__ import annotations

import json
import shlex
import shutil
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from posealign import bundle as bundles
from posealign import cli
from posealign.commands.output import REFUSALS
from posealign.instructions.query import REASONS
from posealign.skeletons.load import skeleton, to_json
from serving.samples import save

CONFIGS = Path(__file__).parents[1] / "configs"
MISTAKES = [
    ("predict nowhere.jpg leg", 3, "no picture at 'nowhere.jpg'"),
    ("predict notes.txt leg", 2, "notes.txt: no picture begins with"),
    ("predict cut.jpg leg", 2, "cut.jpg: the JPEG is damaged"),
    ("predict zero.jpg leg", 2, "the file is empty"),
    ("predict empty leg", 3, "no pictures (.jpg"),
    ("predict ball.jpg", 2, "then the instruction"),
    ("predict ball.jpg leg --skeleton coco_17", 3, "did you mean 'coco17'?"),
    ("predict ball.jpg leg --bundle defalt", 3, "did you mean 'default'?"),
    ("predict ball.jpg leg --bundle future", 5, "export the bundle again"),
    ("predict ball.jpg leg --box 1,2,3", 2, "expected four numbers"),
    ("predict ball.jpg leg --boxes 1,2,3,4", 2, "No such option"),
    ("predict ball.jpg leg --provider gpu", 2, "did you mean 'cpu'?"),
    ("predikt ball.jpg leg", 2, "did you mean 'predict'?"),
    ("bundles swapped", 5, "it was changed after it was written"),
    ("bundles cut", 5, "image.onnx has 1000 bytes"),
    ("bundles empty", 3, "it has no bundle.json"),
    ("skeletons check shape.json", 2, "is not a JSON file"),
    ("clinical nowhere.mp4", 3, "no file nowhere.mp4; expected a picture (.jpg,"),
    ("clinical bal.jpg", 3, "no file bal.jpg; did you mean 'ball.jpg'?"),
    (
        "clinical notes.txt",
        2,
        "notes.txt is not a video that can be read; videos are taken",
    ),
    ("clinical empty", 3, "no pictures (.jpg"),
    ("video notes.txt leg", 2, "is not a video that can be read"),
    ("video notes.txt leg --json", 2, '"code": "invalid-input"'),
    ("predict empty/.. leg --skeleton coco_17", 3, "did you mean 'coco17'?"),
    ("evaluate {configs}/eval_tinny.yaml", 3, "eval_tiny.yaml'?"),
    ("evaluate {configs}/eval_tiny.yaml limt=3", 2, "did you mean 'limit'?"),
    ("evaluate {configs}/eval_tiny.yaml source.path=empty", 3, "`posealign synth"),
    ("evaluate {configs}/sft_tiny.yaml", 2, "configures training.sft:SftConfig, not Evaluation"),
    ("compare empty:a empty:b", 3, "holds no evaluation"),
    ("report empty", 3, "there is no report at empty"),
    ("serve --host 0.0.0.0", 2, "make one with `posealign key new"),
    ("serve --config serve.yaml", 2, "did you mean 'port'?"),
    ("serve --bundle nowhere", 3, "no bundle is called 'nowhere'"),
    ("camera", 2, "examples/cameras.yaml is a start"),
    ("camera --config cameras.yaml", 2, "did you mean 'rules'?"),
    ("train sftt x.yaml", 2, "did you mean 'sft'?"),
    ("train sft", 2, "expected: posealign train sft CONFIG.yaml"),
    ("train average x", 2, "FIRST SECOND SHARE TARGET"),
    ("train all {configs}/sft_tiny.yaml", 2, "not Recipe"),
    ("synth -o x --split trian", 2, "expected train or test"),
    ("key new me --scope root", 2, "scopes are infer, feedback, admin"),
    ("demo --pictures notes.txt", 2, "wants a folder"),
    ("dicom notes.txt leg", 2, "not a DICOM file"),
    ("convert notes.txt -o y", 2, "it was not opened"),
    ("predict ball.jpg leg -o out.pgn", 2, "got '.pgn'"),
    ("predict ball.jpg leg --language de", 2, "drawn in en or zh; got 'de'"),
    ("predict ball.jpg leg --skeleton nowhere.json", 3, "no skeleton file nowhere.json"),
    ("resolve ' '", 2, "the instruction is empty"),
    ("convert nowhere.pth -o y", 3, "there is no file nowhere.pth"),
    ("serve --tls-certificate notes.txt --tls-key notes.txt", 2, "are no pair"),
    ("serve --config list.yaml", 2, "got a list"),
    ("evaluate notes.txt", 2, "holds a single value"),
    ("key new ''", 2, "1 to 64 characters"),
    ("key new me --days -3", 2, "more than 0 days; got -3"),
    ("key new me --keys-file notes.txt", 2, "notes.txt line 1"),
    ("camera --config twice.yaml --check", 2, "twice.yaml: the camera cot is named twice"),
    ("camera --config clip.yaml --check", 3, "camera 'cot': there is no file nowhere.mp4"),
    ("camera --config banana.yaml --check", 2, "refused: people have no such part"),
    ("synth -o x --count 0", 2, "--count is 0; expected 1 or more"),
    ("synth -o x --sheet -1", 2, "--sheet is -1; expected 0 or more"),
    ("synth -o x --size 3", 2, "expected 64 to 1024 pixels"),
    ("predict 'both arms' ball.jpg", 2, "the instruction stands last"),
    ("predict ball.jpg only the leg", 3, "several words stands in quotes"),
    ("predict bal.jpg leg", 3, "did you mean 'ball.jpg'?"),
    ("predict https://example.org/a.jpg leg", 3, "fetch it into one first"),
    ("predict vast.png leg", 2, "vast.png: the picture is 60000×60000"),
    ("predict ball.jpg leg --depth grey.png", 2, "grey.png: depth is a 16-bit grey PNG"),
    ("predict ball.jpg leg --intrinsics 1,1,1,1", 2, "of a --depth picture; none is given"),
    ("video clip.mp4 leg -o out.avi", 2, "written as .mp4; got 'out.avi'"),
    ("key list --keys-file ball.jpg", 2, "ball.jpg is no file of keys"),
    ("key withdraw abc --keys-file none.jsonl", 3, "`posealign key new` makes it"),
    ("serve --config utf16.yaml", 2, "utf16.yaml is not UTF-8 text"),
]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that is wrong."""
    folder = tmp_path_factory.mktemp("desk")
    save(folder)
    (folder / "notes.txt").write_text("not a picture")
    (folder / "cut.jpg").write_bytes((folder / "ball.jpg").read_bytes()[:3000])
    (folder / "shape.json").write_text("{")
    (folder / "zero.jpg").touch()
    (folder / "empty").mkdir()
    (folder / "serve.yaml").write_text("prot: 9\n")
    camera = "  - {{name: cot, source: {{url: '{}'}}, instruction: {}{}}}\n".format
    for name, rows in {
        "cameras": camera("rtsp://x/y", "both arms", ", rulez: []"),
        "twice": 2 * camera("rtsp://x/y", "both arms", ""),
        "clip": camera("file:nowhere.mp4", "both arms", ""),
        "banana": camera("rtsp://x/y", "the left banana", ""),
    }.items():
        (folder / f"{name}.yaml").write_text(f"cameras:\n{rows}")
    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 1, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    (folder / "vast.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)
    Image.new("L", (512, 512)).save(folder / "grey.png")
    (folder / "utf16.yaml").write_text("port: 9\n", "utf-16")
    (folder / "list.yaml").write_text("- 1\n")
    for name in ("future", "swapped", "cut"):
        shutil.copytree(bundles.find("default").folder, folder / name)
    for name, change in (("future", {"graph_version": 99}), ("swapped", {"name": "other"})):
        path = folder / name / "bundle.json"
        path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **change}))
    with (folder / "cut" / "image.onnx").open("r+b") as file:
        file.truncate(1000)
    return folder


@pytest.mark.parametrize(("line", "code", "words"), MISTAKES, ids=[row[0] for row in MISTAKES])
def test_a_mistake_is_answered_in_a_sentence(
    line: str, code: int, words: str, desk: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(desk)
    with pytest.raises(SystemExit) as stop:
        cli.main(shlex.split(line.format(configs=CONFIGS)))
    out, err = capsys.readouterr()
    assert stop.value.code == code, err
    assert words in " ".join(err.split()), err
    assert out == ""
    assert err.count("\n") < 12


def test_every_refusal_has_a_sentence() -> None:
    assert set(REFUSALS) == set(REASONS)


def test_a_file_that_windows_saved_is_read(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A byte order mark before the JSON, line ends of two characters."""
    path = desk / "from windows.json"
    text = json.dumps(to_json(skeleton("coco17")), indent=1).replace("\n", "\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    with pytest.raises(SystemExit) as stop:
        cli.main(["skeletons", "check", str(path)])
    assert stop.value.code == 0, capsys.readouterr().err


def test_a_full_disk_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """A write that finds no room names no file."""

    def full() -> None:
        with Path("/dev/full").open("wb", buffering=0) as file:
            file.write(b"something")

    assert cli.run(full) == 6
    assert capsys.readouterr().err == "posealign: No space left on device: nothing more fits\n"
