"""posealign.client against a real server; the package must stay light."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from posealign.client import AsyncClient, Client
from posealign.data.image import decode_image
from posealign.data.pose import State
from posealign.errors import InvalidImage, InvalidInput, NotFound, Overloaded, Unavailable
from posealign.predictor import Predictor
from tests.serving.conftest import Running, png


def test_answers_are_the_librarys_own(server: Running, toy: Path, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    look = Predictor(str(toy), "cpu", 1).look(decode_image(png()))
    with Client(server.url) as client:
        for text in ("only the left leg", "the visible arm", "pizza"):
            found, right = client.pose(tmp_path / "a.png", text), look.ask(text)
            assert found.instruction == right.instruction
            assert found.poses == right.poses
            assert found.model_digest == right.model_digest
        assert found.instruction.refused
        leg = client.pose(png(), "only the left leg", boxes=[[0, 0, 90, 110]])
        assert leg.poses[0]["left_hip"].state is State.OCCLUDED
        frame = client.look(png())
        assert (frame.width, frame.height) == (96, 120)
        assert client.ask(frame, "the nose").poses == look.ask("the nose").poses
        assert client.resolve("the nose").joints == ("nose",)
        assert client.ready()
        assert {row["name"] for row in client.skeletons()} >= {"coco17", "smil25"}
        assert client.models()[0]["primary"]
        assert client.limits()["queue"] == 64
        with pytest.raises(InvalidImage):
            client.pose(b"\x89PNG\r\n\x1a\n", "the nose")
        with pytest.raises(InvalidInput):
            client.pose(png(), " ")
        with pytest.raises(NotFound):
            client.pose("none.png", "the nose")
        with pytest.raises(NotFound):
            client.ask("a" * 22, "the nose")


def test_async(server: Running) -> None:
    async def run() -> None:
        async with AsyncClient(server.url) as client:
            asked = [client.pose(png(seed=n), "the nose") for n in range(6)]
            answers = await asyncio.gather(*asked)
            assert len({answer.poses for answer in answers}) == 6
            frame = await client.look(png())
            again = await client.ask(frame, "the nose")
            assert again.poses == answers[0].poses
            assert (await client.resolve("the nose")).joints == ("nose",)
            assert await client.ready()
            assert (await client.limits())["queue"] == 64

    asyncio.run(run())


def clip(path: Path, frames: int = 5) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10.0, (96, 120))
    for n in range(frames):
        writer.write(decode_image(png(seed=n // 3)))
    writer.release()
    return path


def test_video(server: Running, tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4")
    with Client(server.url) as client:
        results = list(client.video(path, "the nose"))
        assert len(results) == 5
        assert results[0].poses[0].track is not None
        with pytest.raises(InvalidInput):
            list(client.video(b"no clip at all", "the nose"))

    async def run() -> int:
        async with AsyncClient(server.url) as client:
            return len([row async for row in client.video(path, "the nose", smooth=False)])

    assert asyncio.run(run()) == 5


def test_a_full_queue_is_asked_again() -> None:
    calls: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request.headers.get("idempotency-key"))
        if len(calls) == 1:
            problem = {"code": "overloaded", "detail": "full"}
            return httpx.Response(429, json=problem, headers={"Retry-After": "0"})
        return httpx.Response(200, json={"queue": 1})

    with Client(transport=httpx.MockTransport(answer)) as client:
        assert client.limits() == {"queue": 1}
    calls.clear()
    with (
        Client(transport=httpx.MockTransport(answer), retries=0) as client,
        pytest.raises(Overloaded),
    ):
        client.limits()
    with Client("http://127.0.0.1:9", retries=0) as client:
        assert not client.ready()
        with pytest.raises(Unavailable, match="posealign serve"):
            client.limits()


def test_importing_the_client_is_light() -> None:
    """Neither numpy nor the server, nor anything that runs a model."""
    code = "import sys, posealign.client; print(*sys.modules)"
    names = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"torch", "onnxruntime", "numpy", "cv2", "fastapi", "serving"} & set(names)
    assert np is not None
