"""10,000 made-up passwords, tokens and patients: none gets out by any door."""

from __future__ import annotations

import base64
import json
import logging
import random
import string
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import av
import pytest
import structlog

from posealign.errors import InvalidConfig, PoseAlignError
from serving.camera import config as configs
from serving.camera.config import Source
from serving.camera.log import configure, log
from serving.camera.secret import HIDDEN, Credentials, Secret, Secrets
from serving.camera.source import Trouble, address, code_of, grabs
from serving.camera.watch import _metrics
from tests.camera.stub import StubPredictor

ALPHABET = string.ascii_letters + string.digits + "!@#$%^&*()_+-=[]{}|;:',.<>/?`~\"\\ äß密码"


def made_up(random_: random.Random) -> str:
    return "".join(random_.choices(ALPHABET, k=random_.randint(6, 32))).strip() or "fallback-7"


def ways(value: str) -> list[str]:
    """How libraries write a value."""
    return [
        value, quote(value), quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1],
        base64.b64encode(value.encode()).decode(), repr(value.encode())[2:-1],
        quote(value, safe="").lower() if quote(value, safe="").lower() == value else value,
    ]  # fmt: skip


def test_10000_values_are_masked_however_they_are_written() -> None:
    random_ = random.Random(1)
    for _ in range(10_000):
        value = made_up(random_)
        secrets = Secrets([value])
        text = "  ".join(f"rtsp://user:{way}@10.0.0.1/ch1 failed;" for way in ways(value))
        masked = secrets.mask(text)
        for way in ways(value):
            assert way not in masked, (value, way)
        assert masked.count(HIDDEN) >= len(ways(value)) - 1


def test_short_values_are_masked_as_words_and_leave_other_words_alone() -> None:
    secrets = Secrets(["cam", "123"])
    assert secrets.mask("camera cam:123@host 1234") == f"camera {HIDDEN}:{HIDDEN}@host 1234"


def test_logins_mask_the_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("U", "viewer")
    monkeypatch.setenv("P", "s3cret pass")
    secrets = Secrets()
    secrets.login(Credentials(username=Secret(env="U"), password=Secret(env="P")))
    basic = base64.b64encode(b"viewer:s3cret pass").decode()
    assert secrets.mask(f"Basic {basic} viewer:s3cret%20pass") == f"Basic {HIDDEN} {HIDDEN}"


def test_ffmpeg_never_speaks_for_itself(monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    """Its message holds the address with the password; ours is one of a closed list."""
    random_ = random.Random(2)
    for number in range(40):
        password = made_up(random_)
        monkeypatch.setenv("P", password)
        monkeypatch.setenv("U", "viewer")
        source = Source(
            url=("rtsp://127.0.0.1:9/ch1", "http://127.0.0.1:9/x")[number % 2],
            credentials=Credentials(username=Secret(env="U"), password=Secret(env="P")),
        )
        secrets = Secrets()
        where = address(source, secrets)
        with pytest.raises(av.FFmpegError) as raw:
            av.open(where.full, timeout=(1, 1))
        quoted = quote(password, safe="")
        assert quoted in str(raw.value)  # so there is something to hide
        assert quoted not in secrets.mask(str(raw.value))
        with pytest.raises(Trouble) as caught:
            next(grabs(where, source, 1.0, lambda: 0.0, lambda: False, lambda: None))
        told = "".join(traceback.format_exception(caught.value)) + repr(where) + repr(source)
        for way in (password, quoted):
            assert way not in told
        assert caught.value.code == "refused"
        assert code_of(raw.value) == "refused"
    out, err = capfd.readouterr()
    assert not (out + err)


def test_configuration_errors_do_not_repeat_what_is_private(tmp_path: Path) -> None:
    random_ = random.Random(3)
    path = tmp_path / "cameras.yaml"
    for number in range(250):
        value = made_up(random_)
        place = json.dumps(value)
        url = json.dumps(f"rtsp://viewer:{quote(value, safe='')}@cam/1")
        token = json.dumps(f"http://cam/video?token={quote(value, safe='')}")
        plain = json.dumps("rtsp://cam/1")
        text = {
            0: f"cameras: [{{name: a, instruction: x, source: {{url: {url}}}}}]",
            1: f"cameras: [{{name: a, instruction: x, source: {{url: {token}}}}}]",
            2: f"cameras: [{{name: a, instruction: x, source: {{url: {plain}, credentials: "
               f"{{username: {place}, password: {place}}}}}}}]",
            3: f"cameras: [{{name: a, instruction: x, source: {{url: {plain}}}, beds: [{{name: b, "
               f"subject: {place}}}]}}]",
            4: f"cameras: [{{name: a, instruction: x, source: {{url: {url}\n  password: {place}",
        }[number % 5]  # fmt: skip
        path.write_text(text)
        with pytest.raises(InvalidConfig) as caught:
            configs.load(path)
        told = "".join(traceback.format_exception(caught.value, chain=False))
        for way in (value, quote(value, safe=""), repr(value)[1:-1]):
            assert way not in told, (number % 5, told)
        assert caught.value.__cause__ is None


def test_logs_status_stats_metrics_and_messages_hold_nothing_private(
    station: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    random_ = random.Random(4)
    rows, private = [], []
    for number in range(30):
        names = [f"S{number}_{n}" for n in range(3)]
        values = [made_up(random_) for _ in names]
        for name, value in zip(names, values, strict=True):
            monkeypatch.setenv(name, value)
        patient = f"Patient/mrn-{random_.randrange(10**9, 10**10)}"
        monkeypatch.setenv(names[2], f"http://127.0.0.1:9/{quote(values[2], safe='')}")
        used = values[2:] if number % 2 else values[:2]
        private += [*used, patient, patient.partition("/")[2]]
        rows.append({
            "name": f"c{number}", "instruction": "head", "beds": [
                {"name": f"b{number}", "subject": patient, "encounter": f"Encounter/e{number}-x"}],
            "source": {"url": {"env": names[2]}} if number % 2 else {
                "url": "rtsp://127.0.0.1:9/1", "credentials": {
                    "username": {"env": names[0]}, "password": {"env": names[1]}}},
        })  # fmt: skip
    secrets = Secrets()
    configure(secrets, "debug")
    try:
        made = station({"cameras": rows}, StubPredictor(), secrets)
        for value in private:
            log().error("library said " + value, error=json.dumps(value), camera=value)
            logging.getLogger("uvicorn.error").error("%s", value)
        told = [made.status(post).model_dump_json() for post in made.posts.values()]
        told += [made.stats(post).model_dump_json() for post in made.posts.values()]
        told.append(_metrics(made).decode())
        told.append("".join(capsys.readouterr()))
        told += [repr(post.capture._where) for post in made.posts.values()]
        text = "\n".join(told)
        for value in private:
            for way in ways(value)[:7]:
                assert way not in text, way
    finally:
        structlog.reset_defaults()


def test_secrets_come_from_the_environment_or_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A", "value")
    (tmp_path / "s").write_text("from file\n")
    assert Secret(env="A").read() == "value"
    assert Secret(file=tmp_path / "s").read() == "from file"
    for wrong in (Secret(env="NOT_THERE"), Secret(file=tmp_path / "none")):
        with pytest.raises(PoseAlignError):
            wrong.read()
    for values in ({}, {"env": "A", "file": "b"}):
        with pytest.raises(ValueError, match="secret"):
            Secret.model_validate(values)
