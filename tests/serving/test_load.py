"""Behaviour under load, against servers in processes of their own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from posealign.client import Client
from serving.settings import Limits
from tests.machine import patience
from tests.serving.conftest import (
    Running,
    _until,
    free_port,
    png,
    process,
    running,
    toy_settings,
    until_ready,
)
from tests.serving.toy import toy_bundle

FORM: dict[str, Any] = {
    "data": {"instruction": "all joints", "boxes": "[[0,0,90,110]]"},
    "files": {"image": ("a.png", png(), "image/png")},
}


async def post(client: httpx.AsyncClient, **headers: str) -> tuple[int, float, httpx.Response]:
    start = time.perf_counter()
    answer = await client.post("/v1/pose", headers=headers, **FORM)
    return answer.status_code, time.perf_counter() - start, answer


def metric(port: int, name: str) -> float:
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", verify=False, timeout=20).text
    found = re.findall(rf"^{name}(?:{{[^}}]*}})? ([\d.e+]+)$", text, re.M)
    return sum(float(value) for value in found)


def slow(toy: Path, milliseconds: float, **options: int) -> Any:
    flags = [part for key, value in options.items() for part in (f"--{key}", str(value))]
    module = ("-m", "tests.serving.slow_server", str(toy))
    return process(*module, "--milliseconds", str(milliseconds), *flags)


def client_of(port: int, connections: int = 400) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", timeout=30, verify=False,
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
    )  # fmt: skip


async def closed_loop(port: int, seconds: float, clients: int) -> float:
    """Answers a second at full load: the capacity."""
    async with client_of(port) as client:
        end, count = time.perf_counter() + seconds, 0

        async def one() -> None:
            nonlocal count
            while time.perf_counter() < end:
                status, _, _ = await post(client)
                count += status == 200

        await asyncio.gather(*(one() for _ in range(clients)))
        return count / seconds


@pytest.mark.slow
def test_overload_at_ten_times_capacity_over_http(toy: Path) -> None:
    """Open loop: what is accepted keeps its deadline, what is not is told so at once."""

    async def open_loop(port: int, rate: float, seconds: float) -> list[tuple[int, float]]:
        found: list[tuple[int, float]] = []
        async with client_of(port) as client:

            async def one() -> None:
                status, took, answer = await post(client, **{"X-Request-Timeout-Ms": "3000"})
                if status == 429:
                    assert int(answer.headers["retry-after"]) >= 1
                found.append((status, took))

            tasks: list[asyncio.Task[None]] = []
            start = time.perf_counter()
            while (passed := time.perf_counter() - start) < seconds:
                while len(tasks) < passed * rate:
                    tasks.append(asyncio.create_task(one()))
                await asyncio.sleep(0.005)
            await asyncio.gather(*tasks)
        return found

    with slow(toy, 150, rows=1, queue=8) as (_, port):
        until_ready(port)
        capacity = asyncio.run(closed_loop(port, 4, 6))
        found = asyncio.run(open_loop(port, 10 * capacity, 6))
        statuses = Counter(status for status, _ in found)
        assert set(statuses) <= {200, 429, 504}
        assert statuses[200] / 6 >= 0.9 * capacity
        assert float(np.quantile([t for s, t in found if s == 429], 0.99)) < 0.05 * patience()
        assert float(np.quantile([t for s, t in found if s == 200], 0.99)) < 3.0 + 0.2 * patience()
        assert metric(port, "posealign_dead_reached_session_total") == 0


def test_the_dead_are_dropped_and_counted(toy: Path) -> None:
    """Expired and disconnected requests in the queue never reach the session."""

    async def run(port: int) -> None:
        async with client_of(port) as client:
            busy = [asyncio.create_task(post(client)) for _ in range(6)]
            await asyncio.sleep(0.15)
            expired = [
                asyncio.create_task(post(client, **{"X-Request-Timeout-Ms": "60"}))
                for _ in range(3)
            ]
            leaving = [asyncio.create_task(post(client)) for _ in range(3)]
            await asyncio.sleep(0.3)
            for task in leaving:
                task.cancel()
            assert {status for status, _, _ in await asyncio.gather(*busy)} == {200}
            assert {status for status, _, _ in await asyncio.gather(*expired)} == {504}
            await asyncio.gather(*leaving, return_exceptions=True)
            assert (await post(client))[0] == 200

    with slow(toy, 250, rows=1, queue=32) as (_, port):
        until_ready(port)
        before = metric(port, "posealign_graph_seconds_count")
        asyncio.run(run(port))
        assert metric(port, "posealign_dead_reached_session_total") == 0
        dead = ("posealign_never_ran_total", "posealign_graph_dropped_total")
        _until(lambda: sum(metric(port, name) for name in dead) >= 4, 20)
        assert metric(port, "nv_inference_request_success") == 7
        assert metric(port, "posealign_graph_seconds_count") > before


def test_a_reload_under_load_mixes_and_loses_nothing(toy: Path, tmp_path: Path) -> None:
    folder = toy_bundle(tmp_path / "toy")

    def poses(answer: httpx.Response) -> str:
        """Rounded: a matrix product of eight rows ends in other last bits than one of one row."""
        rows = [
            (joint["name"], joint["state"], joint["x"] and round(joint["x"]))
            for pose in answer.json()["poses"]
            for joint in pose["joints"]
        ]
        return json.dumps(rows)

    async def run(server: Running) -> None:
        async with client_of(server.port) as client:
            answers: list[httpx.Response] = []
            over = asyncio.Event()

            async def load() -> None:
                while not over.is_set():
                    status, _, answer = await post(client)
                    assert status == 200
                    answers.append(answer)

            loads = [asyncio.create_task(load()) for _ in range(6)]
            await asyncio.sleep(0.3)
            for seed in (1, 2):
                toy_bundle(folder, seed=seed)  # another model under the same name
                done = await client.post("/v2/repository/models/toy/load")
                assert done.status_code == 200
                await asyncio.sleep(0.3)
            over.set()
            await asyncio.gather(*loads)
            by_model: dict[str, set[str]] = {}
            for answer in answers:
                digest = answer.json()["model"]["digest"]
                assert answer.headers["posealign-model"] == f"toy@{digest}"
                by_model.setdefault(digest, set()).add(poses(answer))
            assert len(by_model) == 3
            assert all(len(found) == 1 for found in by_model.values())  # never a mixture
            assert len(set.union(*by_model.values())) == 3
            lost = await client.post("/v2/repository/models/none/load")
            assert lost.status_code == 404
            (folder / "image.onnx").write_bytes(b"broken")
            broken = await client.post("/v2/repository/models/toy/load")
            assert broken.status_code == 500
            assert (await post(client))[0] == 200  # the old one goes on

    with running(toy_settings(folder)) as server:
        asyncio.run(run(server))
        assert server.metric("posealign_reloads_total", outcome="done") == 2


def test_a_terminated_server_finishes_what_it_admitted(toy: Path) -> None:
    async def run(server_process: Any, port: int) -> Counter[str]:
        found: Counter[str] = Counter()
        stop = time.monotonic() + 8

        async def load() -> None:
            while time.monotonic() < stop:
                async with client_of(port) as client:
                    try:
                        status, _, answer = await post(client)
                    except httpx.ConnectError:
                        found["not accepted"] += 1
                        return
                    except httpx.ReadError:  # in the kernel's queue when the socket was closed
                        found["reset"] += 1
                        return
                found[str(status)] += 1
                if status == 503:
                    assert answer.headers["connection"] == "close"
                    assert "retry-after" in answer.headers
                    await asyncio.sleep(0.05)

        loads = [asyncio.create_task(load()) for _ in range(8)]
        await asyncio.sleep(1.0)
        server_process.send_signal(signal.SIGTERM)
        await asyncio.gather(*loads)
        return found

    with slow(toy, 60, rows=4, queue=32) as (server_process, port):
        until_ready(port)
        found = asyncio.run(run(server_process, port))
        assert set(found) <= {"200", "503", "not accepted", "reset"}, found
        assert found["200"] >= 8
        assert found["not accepted"] + found["reset"] == 8
        assert found["reset"] <= 1, "all eight had a request in the server"
        assert server_process.wait(20) in (0, -signal.SIGTERM)  # uvicorn raises it again at the end


def test_slow_senders_are_cut_off(toy: Path) -> None:
    limits = Limits(body_seconds=0.4, header_seconds=0.4, body_bytes=4096)
    with running(toy_settings(toy, limits=limits)) as server:
        os.environ["POSEALIGN_HEADER_SECONDS"] = "0.4"
        try:

            def send(*parts: bytes) -> bytes:
                with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
                    for part in parts:
                        raw.sendall(part)
                    return raw.recv(4000)

            head = (
                b"POST /v1/pose HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            )
            assert b" 408 " in send(head)  # headers that never end
            assert b" 408 " in send(head + b"Content-Length: 100\r\n\r\n{")
            assert b" 413 " in send(head + b"Content-Length: 99999\r\n\r\n{")
            chunk = b"1000\r\n" + b"x" * 0x1000 + b"\r\n"
            chunked = head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk
            assert b" 413 " in send(chunked, chunk)
        finally:
            del os.environ["POSEALIGN_HEADER_SECONDS"]
        assert server.service.uploads.held == 0


def test_a_stream_keeps_only_the_latest_frame(toy: Path) -> None:
    from websockets.sync.client import connect

    with slow(toy, 80, rows=1) as (_, port):
        until_ready(port)
        with connect(f"ws://127.0.0.1:{port}/v1/stream") as socket_:
            socket_.send(json.dumps({"instruction": "only the left leg"}))
            for n in range(8):
                socket_.send(png(seed=n))
            answers = [json.loads(socket_.recv(20))]
            while answers[-1]["frame"] < 8:
                answers.append(json.loads(socket_.recv(20)))
            joints = ["left_hip", "left_knee", "left_ankle"]
            assert all(answer["instruction"]["joints"] == joints for answer in answers)
            dropped = sum(answer["dropped"] for answer in answers)
            assert dropped > 0  # overtaken, and said so
            assert dropped + len(answers) == 8
            socket_.send(json.dumps({"instruction": "the nose"}))
            socket_.send(png())
            assert json.loads(socket_.recv(20))["instruction"]["joints"] == ["nose"]
            socket_.send(b"no picture")
            assert json.loads(socket_.recv(20))["problem"]["status"] in (400, 415)
            socket_.send(json.dumps({"instruction": 5}))
            assert json.loads(socket_.recv(20))["problem"]["code"] == "invalid-input"


def test_serve_is_ready_in_seconds_and_several_workers_work(toy: Path, tmp_path: Path) -> None:
    command = ("-m", "posealign", "serve", "--bundle", str(toy), "--threads", "1")
    with process(*command, "--workers", "2", "--log-level", "warning") as (parent, port):
        until_ready(port)
        for _ in range(6):  # a worker that is not ready yet says 503, and is asked again
            with Client(f"http://127.0.0.1:{port}", retries=20) as client:
                assert client.pose(png(), "the nose").poses
        _until(lambda: metric(port, "nv_inference_request_success") == 6, 10)
        parent.send_signal(signal.SIGTERM)
        parent.wait(30)


@pytest.mark.slow
def test_serve_is_ready_within_five_seconds(toy: Path) -> None:
    """Alone on the machine; the embedded bundle's own time is in docs/explanation/serving.md."""
    with process("-m", "posealign", "serve", "--bundle", str(toy)) as (_, port):
        assert until_ready(port) < 5.0


def test_serve_says_what_is_wrong(toy: Path) -> None:
    import subprocess
    import sys

    def serve(*flags: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "posealign", "serve", *flags], capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip
        return done.returncode, done.stderr

    code, text = serve("--host", "0.0.0.0", "--bundle", str(toy))
    assert code == 2
    assert "posealign key new" in text
    code, text = serve("--bundle", "no-such-bundle", "--port", str(free_port()))
    assert code == 3
    assert "no-such-bundle" in text
