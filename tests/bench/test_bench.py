"""posealign bench on the embedded bundle: what it prints is what was measured."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from posealign.bench import machine
from posealign.bench.asking import Asking, watched
from posealign.bench.peer import make_architecture, open_peers
from posealign.bench.timing import rounds_of, timing
from posealign.cli import run
from posealign.commands.bench import bench
from posealign.errors import InvalidInput
from posealign.predictor import Predictor


def test_the_command_measures_and_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench(threads=1, batch="1", joints="1,133", rounds=2, output=tmp_path, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads((tmp_path / "bench.json").read_text("utf-8"))
    assert (tmp_path / "bench.png").stat().st_size > 1000
    rows = {(row["what"], row["joints"]): row for row in found["timings"]}
    one, many = rows["locate", 1], rows["locate", 133]
    assert many["macs"] == 133 * one["macs"] > 0
    assert many["fastest_ms"] > one["fastest_ms"]
    image = rows["image graph", None]
    assert image["share"] == pytest.approx(
        image["macs"] / (image["median_ms"] * 1e6) / found["gemm_gmacs"]
    )
    figures = {row["what"]: row["value"] for row in found["findings"]}
    known = figures["second question of the first, known words"]
    assert 0 < known < figures["second question of the first, new words"] < 100
    assert found["machine"]["threads"] == 1


def test_wrong_options_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong, words in (
        ({"peer": True}, "give --arch"),
        ({"joints": "1,x"}, "--joints is '1,x'"),
        ({"rounds": 0}, "--rounds is '0'"),
        ({"arch": "vitpose-m"}, "no architecture is called 'vitpose-m'"),
    ):
        assert run(lambda wrong=wrong: bench(**wrong)) == 2  # type: ignore[misc, arg-type]
        assert words in capsys.readouterr().err
    with pytest.raises(InvalidInput, match="did you mean 'vitpose-s'"):
        make_architecture("vitpos-s")


def test_rounds_are_interleaved_and_medians_are_of_their_own() -> None:
    order: list[str] = []
    times = rounds_of({name: lambda name=name: order.append(name) for name in "ab"}, 3)  # type: ignore[misc]
    assert order == list("abababab")
    assert [len(times[name]) for name in "ab"] == [3, 3]
    row = timing("x", [4.0, 1.0, 2.0], batch=8, macs=10**9, peak=100.0)
    assert (row.median_ms, row.fastest_ms, row.per_second) == (2.0, 1.0, 4000.0)
    assert row.share == pytest.approx(10**9 / 2e-3 / 100e9)


def test_the_bare_graphs_are_those_of_the_question() -> None:
    predictor = Predictor("default", "cpu", threads=1)
    asking = Asking(predictor, 1)
    with watched(predictor) as calls:
        asking.calls()["first question, new words"]()
    names = [name for name, _, _ in calls]
    assert names == [name for name, _ in asking.replay]
    assert names[0] == "image"
    assert {"text", "select", "locate"} < set(names)
    assert len(asking.own_ms["first question, new words"]) == 1
    assert asking.own_ms["first question, new words"][0] > 0


def test_the_machine_says_what_it_has(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    for flags, vnni in (("fpu avx2", False), ("avx512_vnni fpu", True), ("avx_vnni", True)):
        info.write_text(f"processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: {flags}\n", "utf-8")
        assert machine.has_vnni(info) is vnni
        assert machine.cpu_name(info) == "Some CPU"
    with machine.Gemm(1) as gemm:
        gemm()
        assert 0.1 < gemm.peak < 1e4
        assert np.isfinite(gemm.fastest_s)


def test_peers_differ_in_attention_alone(tmp_path: Path) -> None:
    import torch  # seconds to import, and no other test here needs them
    import transformers

    backbone = transformers.VitPoseBackboneConfig(
        image_size=(64, 48), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        out_indices=[2],
    )  # fmt: skip
    config = transformers.VitPoseConfig(backbone_config=backbone, use_simple_decoder=True)
    config.num_labels = 17
    torch.manual_seed(0)
    transformers.VitPoseForPoseEstimation(config).save_pretrained(tmp_path)
    peers = open_peers(tmp_path, threads=1)
    assert [peer.attention for peer in peers] == ["sdpa", "eager"]
    assert len({row for peer in peers for row in (peer.forward_row, peer.whole_row)}) == 4
    pixels = torch.randn(1, 3, 64, 48)
    with torch.inference_mode():
        own, eager = (peer.model(pixels).heatmaps for peer in peers)
    assert torch.allclose(own, eager, atol=1e-5)
