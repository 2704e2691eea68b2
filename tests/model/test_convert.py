"""From a file or a hub to a bundle: what is fetched, refused, attached and written."""

from __future__ import annotations

import hashlib
import http.server
import json
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save, save_file

from posealign import bundle as bundles
from posealign.bundle import Bundle, Metadata
from posealign.cli import run
from posealign.commands.convert import convert as command
from posealign.errors import BrokenBundle, InvalidInput, NotFound, Unavailable
from posealign.export import convert as converting
from posealign.export.convert import Conversion, convert_file, target_folder
from posealign.export.onnx import to_onnx
from posealign.model import pretrained
from posealign.model.checkpoint import metadata_of, new_metadata, save_weights
from posealign.model.config import PoseConfig
from posealign.model.importing import attach_language, import_checkpoint
from posealign.model.pose_model import PoseModel
from posealign.model.weights import convert
from posealign.runtime.session import as_graph, open_graphs, open_session
from tests.model.checkpoints import official, randomise, sapiens
from tests.model.test_vitpose_equality import (
    TINY,
    relative,
    their_heatmaps,
    transformers_model,
)

TEXT = {"tokens": 60, "width": 48, "layers": 1, "readers": 1, "heads": 3, "dropout": 0.0}


@pytest.fixture(scope="module")
def language(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle with a real, tiny text encoder; its graphs are not looked at here."""
    folder = tmp_path_factory.mktemp("language") / "speaker"
    folder.mkdir()
    torch.manual_seed(3)
    hybrid = {"width": 48, "depth": 1, "heads": 3, "extra": 8}
    config = PoseConfig.model_validate({
        "width": 64, "height": 64, "text": TEXT, "decoder": TINY,
        "encoder": {"name": "hybrid", "options": hybrid},
    })  # fmt: skip
    model = PoseModel(config)
    for graph in bundles.GRAPHS:
        (folder / f"{graph}.onnx").write_bytes(b"none")
    (folder / "tokenizer.json").write_text("{}", "utf-8")
    save_weights(model, folder / "weights.safetensors")
    return bundles.write(folder, new_metadata("speaker", config))


def test_the_language_side_is_attached_but_for_what_fits_other_features(language: Bundle) -> None:
    checkpoint = convert(official(), "x.pth", heads=4)
    found = import_checkpoint(checkpoint, "x.pth", language=language, decoder=TINY).model
    state = load_file(language.path("weights.safetensors"))
    ours = found.state_dict()
    for name, value in state.items():
        if name.startswith("words.") and "vector" not in name:
            torch.testing.assert_close(ours[name], value)
    torch.testing.assert_close(ours["decoder.joint_words"], state["decoder.joint_words"])
    assert set(attach_language(found, language)) == {"words.vector.weight", "words.vector.bias"}


def _weights_and_locate(
    model: PoseModel, folder: Path, metadata: Metadata, tokenizer: Path, precision: str
) -> Bundle:
    """As export_bundle, which test_export runs on a ViT, but of the graphs only `locate`: how an
    imported head is decoded is exported nowhere else.
    """
    assert precision == "fp32"
    folder.mkdir()
    for graph in bundles.GRAPHS:
        (folder / f"{graph}.onnx").write_bytes(b"none")
    onnx.save(to_onnx(model, "locate"), folder / "locate.onnx")
    shutil.copyfile(tokenizer, folder / "tokenizer.json")
    save_weights(model, folder / "weights.safetensors")
    return bundles.write(folder, metadata_of(model, metadata))


def test_a_converted_file_runs_and_says_what_it_is(
    language: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Hugging Face folder with config.json: its eps is read, its heatmaps' maxima come back."""
    monkeypatch.setattr(converting, "export_bundle", _weights_and_locate)
    theirs = transformers_model(48, 2, 4, "classic", (48, 64))
    save_file(theirs.state_dict(), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(theirs.config.to_json_string(), "utf-8")
    made = convert_file(
        tmp_path / "model.safetensors", "mine", tmp_path / "mine", language, Conversion()
    )
    metadata = bundles.load(made.folder).metadata
    assert metadata.vocabulary.trained is not None
    assert metadata.vocabulary.trained[0] == "nose"
    assert (metadata.finder, metadata.select) == (False, False)
    assert metadata.licence == "Apache-2.0"
    assert metadata.origin == ("model.safetensors",)
    assert metadata.model["encoder"]["options"]["ln_eps"] == 1e-6
    assert made.input_size == (48, 64)

    graphs = open_graphs(made.folder, "torch")  # built anew from bundle.json and the weights
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 48, 3), dtype=np.uint8)
    seen = graphs["image"]({"pixels": pixels})
    ids = np.array([[5, 6], [7, 0]])
    read = graphs["text"]({"ids": ids})
    crop = np.array([[0, 1, 0, 0]] * 2, np.float32)
    chosen = graphs["select"](
        {"tokens": seen["tokens"], "text_tokens": read["text_tokens"], "ids": ids, "crop": crop}
    )
    rows = chosen["vectors"][:, :17]
    maps = rows[..., :-1] @ seen["features"].reshape(2, 256, -1) + rows[..., -1:]
    wanted = their_heatmaps(theirs, torch.from_numpy(pixels)).flatten(2)
    assert relative(torch.from_numpy(maps), wanted) < 1e-4
    placed = graphs["locate"]({"features": seen["features"], "vectors": rows})
    best = wanted.amax(-1).clamp(1e-4, 1 - 1e-4).numpy()
    np.testing.assert_allclose(placed["confidence"], best, atol=1e-4)
    locate = as_graph(open_session(made.path("locate.onnx")))
    exported = locate({"features": seen["features"], "vectors": rows})
    for name, value in placed.items():
        np.testing.assert_allclose(exported[name], value, atol=1e-3)
    # An untrained decoder has no opinion, and says so.
    assert (chosen["state"].argmax(-1) == 2).all()
    assert np.abs(chosen["asked"]).max() == 0


def _no_export(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Everything but the slow writing of graphs; keeps what would have been written."""
    kept: list[object] = []

    def write(model: object, folder: Path, metadata: object, *_: object) -> object:
        kept.extend([model, metadata])
        return metadata

    monkeypatch.setattr(converting, "export_bundle", write)
    return kept


def test_experts_and_licences(
    language: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = _no_export(monkeypatch)
    torch.save(official(experts=3), tmp_path / "plus.pth")
    torch.save(sapiens(), tmp_path / "sapiens.pth")
    options = Conversion(heads=4, dataset=2)
    convert_file(tmp_path / "plus.pth", "plus", tmp_path / "o", language, options)
    assert kept[1].input.dataset == 2  # type: ignore[attr-defined]
    convert_file(tmp_path / "sapiens.pth", "s", tmp_path / "o", language, Conversion(heads=4))
    assert "not Apache-2.0" in kept[3].licence  # type: ignore[attr-defined]
    assert kept[3].input.dataset is None  # type: ignore[attr-defined]
    with pytest.raises(InvalidInput, match="has experts 0 to 2, not 9"):
        convert_file(tmp_path / "plus.pth", "p", tmp_path, language, Conversion(heads=4, dataset=9))
    with pytest.raises(InvalidInput, match="has no experts"):
        convert_file(
            tmp_path / "sapiens.pth", "p", tmp_path, language, Conversion(heads=4, dataset=1)
        )


def test_bundles_go_where_they_hide_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSEALIGN_HOME", str(tmp_path))
    monkeypatch.setattr(bundles, "embedded", lambda: tmp_path / "inside")
    (tmp_path / "inside" / "default").mkdir(parents=True)
    assert target_folder("mine", None) == tmp_path / "bundles" / "mine"
    assert target_folder("mine", tmp_path) == tmp_path
    with pytest.raises(InvalidInput, match="is an embedded bundle"):
        target_folder("default", None)


class Hub(http.server.BaseHTTPRequestHandler):
    """Enough of the hub's HTTP interface for the real client: metadata, HEAD, GET with ranges."""

    files: dict[str, bytes] = {}  # noqa: RUF012
    lie = False
    served: list[tuple[str, str]] = []  # noqa: RUF012

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.answer(body=True)

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def answer(self, body: bool) -> None:
        if match := re.fullmatch(
            r"/api/models/([^/]+/[^/]+)(/revision/\w+)?", self.path.split("?")[0]
        ):
            if match[1] != "usyd-community/vitpose-base":
                return self.send(404, b"{}", {"X-Error-Code": "RepoNotFound"}, body)
            return self.send(200, json.dumps(self.info()).encode(), {}, body)
        name = self.path.rsplit("/", 1)[1]
        if name not in self.files:
            return self.send(404, b"", {"X-Error-Code": "EntryNotFound"}, body)
        content = self.files[name]
        asked = self.headers.get("Range")
        self.served.append((name, asked or ""))
        headers = {
            "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
            "X-Repo-Commit": "c" * 40,
            "Accept-Ranges": "bytes",
        }
        if asked and (span := re.fullmatch(r"bytes=(\d+)-(\d*)", asked)):
            start, end = int(span[1]), int(span[2] or len(content) - 1)
            headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
            return self.send(206, content[start : end + 1], headers, body)
        return self.send(200, content, headers, body)

    def info(self) -> dict[str, object]:
        siblings = []
        for name, content in self.files.items():
            digest = "0" * 64 if self.lie else hashlib.sha256(content).hexdigest()
            row: dict[str, object] = {"rfilename": name, "size": len(content), "blobId": "b" * 40}
            if name.endswith(".safetensors"):
                row["lfs"] = {"sha256": digest, "size": len(content), "pointerSize": 100}
            siblings.append(row)
        return {"id": "usyd-community/vitpose-base", "sha": "c" * 40, "siblings": siblings}

    def send(self, status: int, content: bytes, headers: dict[str, str], body: bool) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("POSEALIGN_HOME", str(tmp_path / "home"))
    Hub.files = {
        "config.json": b'{"backbone_config": {"layer_norm_eps": 1e-6, "num_attention_heads": 4}}',
        "model.safetensors": save(randomise({"a": torch.zeros(64, 64)})),
    }
    Hub.lie, Hub.served = False, []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_fetching_resumes_and_checks(hub: str) -> None:
    paths = pretrained.fetch("vitpose-base", endpoint=hub)
    assert paths["model.safetensors"].read_bytes() == Hub.files["model.safetensors"]
    assert pretrained.hub_config(paths["config.json"]).heads == 4
    assert paths["config.json"].parent == paths["model.safetensors"].parent
    # Cut the download in half, as if the network had failed: only the rest is fetched.
    content = paths["model.safetensors"].read_bytes()
    paths["model.safetensors"].unlink()
    partial = paths["model.safetensors"].with_name("model.safetensors.partial")
    partial.write_bytes(content[:5000])
    Hub.served.clear()
    again = pretrained.fetch("vitpose-base", endpoint=hub)
    assert again["model.safetensors"].read_bytes() == content
    assert Hub.served == [("model.safetensors", "bytes=5000-")]
    assert not partial.exists()
    # What is there is not fetched again.
    pretrained.fetch("vitpose-base", endpoint=hub)
    assert len(Hub.served) == 1


def test_a_file_that_is_not_what_the_hub_says_is_refused(hub: str) -> None:
    Hub.lie = True
    with pytest.raises(BrokenBundle, match=r"model\.safetensors is not what the hub says"):
        pretrained.fetch("vitpose-base", endpoint=hub)


def test_a_repository_without_weights_or_that_is_not_there(hub: str) -> None:
    del Hub.files["model.safetensors"]
    with pytest.raises(InvalidInput, match=r"has no model\.safetensors"):
        pretrained.fetch("vitpose-base", endpoint=hub)
    with pytest.raises(NotFound, match="the hub has no model 'nobody/nothing'"):
        pretrained.fetch("nobody/nothing", endpoint=hub)


def test_without_network_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unavailable, match="posealign convert"):
        pretrained.fetch("vitpose-base")  # the tests' environment is offline
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with pytest.raises(Unavailable, match="embedded bundle `default` works without"):
        pretrained.fetch("vitpose-base", endpoint="http://127.0.0.1:9")


def test_names_are_checked_before_the_network() -> None:
    assert pretrained.repository("vitpose-base") == "usyd-community/vitpose-base"
    assert pretrained.repository("me/mine") == "me/mine"
    with pytest.raises(NotFound, match="did you mean 'vitpose-base'"):
        pretrained.fetch("vitpose-bse")


def test_config_json_is_read_with_transformers_defaults(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text("{}", "utf-8")
    found = pretrained.hub_config(path)
    assert (found.ln_eps, found.heads, found.size) == (1e-12, 12, (192, 256))
    for content in ("[]", "{", '{"backbone_config": {"image_size": 3}}'):
        path.write_text(content, "utf-8")
        with pytest.raises(InvalidInput, match=r"is no ViTPose config\.json"):
            pretrained.hub_config(path)


def test_the_command_names_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(lambda: command(tmp_path / "no.pth", size="big")) == 2
    assert "expected WIDTHxHEIGHT" in capsys.readouterr().err
    assert run(lambda: command(tmp_path / "no.pth", name="NO GOOD")) == 2
    assert "is no name for a bundle" in capsys.readouterr().err
