"""Keys, scopes, tokens, exposure; and that nothing secret is ever logged."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from typer.testing import CliRunner

from posealign.errors import InvalidConfig, InvalidInput, NotFound
from posealign.interop.audit import events, verify
from serving import settings
from serving.auth import new_key, read_keys
from serving.commands.key import key as key_command
from serving.settings import Oidc, Settings, load
from tests.serving.conftest import Running, png, process, running, toy_settings, until_ready

SCOPED = {"infer": ("infer",), "feedback": ("feedback",), "admin": ("admin", "infer")}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    path = tmp_path_factory.mktemp("keys") / "keys.jsonl"
    plain = {}
    with path.open("w") as file:
        for name, scopes in SCOPED.items():
            plain[name], stored = new_key(name, scopes)
            file.write(stored.model_dump_json() + "\n")
        plain["old"], stored = new_key("old", ("infer",), days=1)
        stored = stored.model_copy(update={"expires": 1.0})  # long ago
        file.write(stored.model_dump_json() + "\n")
    return path, plain


SIGNER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def token(**changes: Any) -> str:
    claims = {
        "iss": "https://idp.example", "aud": "posealign", "sub": "nurse-7", "scope": "infer other",
        "exp": time.time() + 60, **changes,
    }  # fmt: skip
    signer = claims.pop("signer", SIGNER)
    return jwt.encode(claims, signer, "RS256", headers={"kid": claims.pop("kid", "k1")})


@pytest.fixture(scope="module")
def guarded(
    toy: Path, keys: tuple[Path, dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("oidc")
    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(SIGNER.public_key()))
    (folder / "jwks.json").write_text(json.dumps({"keys": [{**jwk, "kid": "k1", "use": "sig"}]}))
    (folder / "secret").write_text("a-secret-of-some-length-in-a-file\n")
    found = toy_settings(
        toy, keys_file=keys[0], key_file=folder / "secret", audit_file=folder / "audit.jsonl",
        oidc=Oidc(
            issuer="https://idp.example", audience="posealign", jwks_file=folder / "jwks.json"
        ),
    )  # fmt: skip
    with running(found) as server:
        yield server


def status(server: Running, authorization: str | None, path: str = "/v1/pose") -> int:
    headers = {} if authorization is None else {"Authorization": authorization}
    with server.client(headers=headers) as client:
        if path == "/v1/pose":
            return client.post(
                path, data={"instruction": "the nose"}, files={"image": png()}
            ).status_code
        return client.request("POST" if "repository" in path else "GET", path).status_code


def test_keys_and_scopes(guarded: Running, keys: tuple[Path, dict[str, str]]) -> None:
    plain = keys[1]
    assert status(guarded, None) == 401
    assert status(guarded, "Bearer nonsense") == 401
    assert status(guarded, f"Basic {plain['infer']}") == 401
    assert status(guarded, f"Bearer {plain['infer']}x") == 401
    assert status(guarded, f"Bearer {plain['old']}") == 401
    assert status(guarded, f"Bearer {plain['infer']}") == 200
    assert status(guarded, f"Bearer {plain['feedback']}") == 403
    assert status(guarded, "Bearer a-secret-of-some-length-in-a-file") == 200
    index = "/v2/repository/index"
    assert status(guarded, f"Bearer {plain['infer']}", index) == 403
    assert status(guarded, f"Bearer {plain['admin']}", index) == 200
    with guarded.client() as client:
        assert client.get("/v1/limits", headers={"X-Api-Key": plain["infer"]}).status_code == 200
        for path in ("/v1/limits", "/v1/models", "/v1/skeletons", "/v2/models/toy"):
            answer = client.get(path)
            assert answer.status_code == 401
            assert "Bearer" in answer.headers["www-authenticate"]
        for path in ("/", "/v2/health/live", "/v2/health/ready", "/metrics", "/v1/health"):
            assert client.get(path).status_code == 200


def test_tokens(guarded: Running) -> None:
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert status(guarded, f"Bearer {token()}") == 200
    assert status(guarded, f"Bearer {token(scope='other')}") == 403
    for wrong in (
        token(exp=time.time() - 100), token(aud="somebody"), token(iss="https://evil.example"),
        token(signer=stranger), jwt.encode({"sub": "a"}, "x" * 40, "HS256", headers={"kid": "k1"}),
        "e30.e30.", "a.b.c",
    ):  # fmt: skip
        assert status(guarded, f"Bearer {wrong}") == 401


def test_a_look_belongs_to_who_sent_it(guarded: Running, keys: tuple[Path, dict[str, str]]) -> None:
    def client(name: str) -> httpx.Client:
        return guarded.client(headers={"Authorization": f"Bearer {keys[1][name]}"})

    with client("infer") as mine, client("admin") as other:
        kept = mine.post("/v1/frames", files={"image": png()}).json()["id"]
        question = {"instruction": "the nose"}
        assert mine.post(f"/v1/frames/{kept}/pose", json=question).status_code == 200
        assert other.post(f"/v1/frames/{kept}/pose", json=question).status_code == 404
        assert other.delete(f"/v1/frames/{kept}").status_code == 404


def test_accesses_are_audited(guarded: Running, keys: tuple[Path, dict[str, str]]) -> None:
    path = guarded.service.settings.audit_file
    assert path is not None
    headers = {
        "Authorization": f"Bearer {keys[1]['infer']}", "PoseAlign-Patient": "Patient/17",
        "X-Request-Id": "audited-1",
    }  # fmt: skip
    with guarded.client(headers=headers) as client:
        client.post("/v1/pose", data={"instruction": "the nose"}, files={"image": png()})
    assert verify(path) >= 1
    last = list(events(path))[-1]
    assert last["outcome"] == "0"
    assert "Patient/17" in json.dumps(last)
    assert "audited-1" in json.dumps(last)
    assert keys[1]["infer"] not in path.read_text()


def test_beyond_loopback_a_key_is_demanded(tmp_path: Path) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.7"):
        with pytest.raises(InvalidConfig, match="posealign key new"):
            load(None, {"host": host})
    (tmp_path / "secret").write_text("x" * 40)
    assert load(None, {"host": "0.0.0.0", "key_file": tmp_path / "secret"}).host == "0.0.0.0"
    for host in ("127.0.0.1", "::1", "localhost"):
        assert load(None, {"host": host}).on_loopback
    with pytest.raises(NotFound):
        load(None, {"host": "0.0.0.0", "key_file": tmp_path / "none"})


def test_settings_come_from_flags_environment_and_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "serve.yaml"
    file.write_text("port: 1000\nbundle: a\nlimits: {queue: 5, images: 3}\n")
    monkeypatch.setenv("POSEALIGN_SERVE_BUNDLE", "b")
    monkeypatch.setenv("POSEALIGN_SERVE_LIMITS__QUEUE", "7")
    found = load(file, {"port": 2000, "host": None})
    assert (found.port, found.bundle, found.limits.queue, found.limits.images) == (2000, "b", 7, 3)
    file.write_text("limits: {queues: 5}\n")
    with pytest.raises(InvalidConfig, match="did you mean 'queue'"):
        load(file)
    file.write_text("colour: blue\n")
    with pytest.raises(InvalidConfig, match="no such field; there are: host, "):
        load(file)
    monkeypatch.setenv("POSEALIGN_SERVE_KEY_FILES", "k")
    with pytest.raises(
        InvalidConfig, match="KEY_FILES in the environment.*did you mean 'key_file'"
    ):
        load(None)
    monkeypatch.delenv("POSEALIGN_SERVE_KEY_FILES")
    for text in ("- 1", "a: [", "cors_origins: ['*']", "tls_key: keys.pem", "port: -1"):
        file.write_text(text)
        with pytest.raises((InvalidConfig, NotFound)):
            load(file)
    with pytest.raises(NotFound):
        load(tmp_path / "none.yaml")


def test_keys_are_kept_as_hashes(tmp_path: Path) -> None:
    path, run = tmp_path / "keys.jsonl", CliRunner()
    made = run.invoke(key_command, ["new", "ward-2", "--scope", "infer", "--keys-file", str(path)])
    plain = made.output.strip()
    assert plain.startswith("pa_")
    assert plain.split("_", 2)[2] not in path.read_text()
    assert path.stat().st_mode & 0o77 == 0
    identity = next(iter(read_keys(path)))
    assert identity in run.invoke(key_command, ["list", "--keys-file", str(path)]).output
    run.invoke(key_command, ["new", "other", "--days", "2", "--keys-file", str(path)])
    told = run.invoke(key_command, ["list", "--keys-file", str(path), "--json"]).output
    assert [(row["name"], row["expires"] is None) for row in json.loads(told)] == [
        ("ward-2", True), ("other", False),
    ]  # fmt: skip
    assert "sha256" not in told
    listed = run.invoke(key_command, ["list", "--keys-file", str(path)]).output.splitlines()
    assert [" until 20" in line for line in listed] == [False, True]
    path.chmod(0o640)  # so that the service, another user of its group, reads it
    run.invoke(key_command, ["withdraw", identity, "--keys-file", str(path)])
    assert identity not in read_keys(path)
    assert path.stat().st_mode & 0o777 == 0o640
    with pytest.raises(InvalidInput):
        new_key("x", ("root",))
    path.write_text('{"id": "a"}\n')
    with pytest.raises(InvalidConfig, match="line 1"):
        read_keys(path)
    (tmp_path / "short").write_text("short")
    with pytest.raises(InvalidConfig, match="random"):
        Running(Settings(key_file=tmp_path / "short"))


def test_hosts_and_origins_are_closed_lists(toy: Path) -> None:
    changes = {"allowed_hosts": ("pose.ward",), "cors_origins": ("https://app.example",)}
    with running(toy_settings(toy, **changes)) as server, server.client() as client:

        def get(**headers: str) -> int:
            return client.get("/v1/limits", headers=headers).status_code

        assert get(Host="pose.ward") == 200
        assert get(Host="evil.example") == 421
        assert get(Host="evil.example", Origin="http://evil.example") == 421
        assert get(Origin="https://evil.example") == 421
        assert get(Origin="null") == 421
        assert get(Origin=server.url) == 200
        assert get(Origin="https://app.example") == 200
        assert client.get("/v2/health/ready", headers={"Host": "10.1.2.3"}).status_code == 200
        asked = client.options(
            "/v1/pose",
            headers={
                "Origin": "https://app.example", "Access-Control-Request-Method": "POST",
            },
        )  # fmt: skip
        assert asked.headers["access-control-allow-origin"] == "https://app.example"


def test_no_picture_and_no_secret_is_logged(
    toy: Path, keys: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    """Canaries go everywhere a caller can put something; none may come out on stderr."""
    canary = "CANARY7f3a"
    config = tmp_path / "serve.yaml"
    config.write_text(f"bundle: {toy}\nkeys_file: {keys[0]}\nlog_level: debug\nthreads: 1\n")
    path = tmp_path / "log"
    with path.open("w") as log, process(
        "-m", "posealign", "serve", "--config", str(config), stderr=log
    ) as (_, port):  # fmt: skip
        until_ready(port)
        secret = keys[1]["admin"]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            client.headers["Authorization"] = f"Bearer {secret}"
            picture = png() + canary.encode()
            files = {"image": (f"{canary}.png", picture, "image/png")}
            for text in (f"the nose of {canary}", "the nose", canary * 60):
                client.post(f"/v1/pose?q={canary}", data={"instruction": text}, files=files)
            client.post("/v1/pose", data={canary: canary}, files=files)
            client.post("/v1/pose", json={"image": canary, "instruction": canary, canary: 1})
            client.post("/v1/pose", content=canary, headers={"Content-Type": canary})
            client.get(f"/{canary}", headers={"X-Api-Key": f"pa_{canary}_{canary}"})
            client.get(f"/v1/skeletons/{canary}", headers={"Cookie": canary, "User-Agent": canary})
            client.post(f"/v2/models/{canary}/infer", content=canary)
            client.post(f"/v2/repository/models/{canary}/load")
            client.post("/v1/pose", headers={"Authorization": f"Bearer {canary}"})
            client.post("/v1/pose", headers={"Idempotency-Key": canary}, data={"instruction": "a"})
        import socket

        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.sendall(f"{canary} / HTTP/9\r\n\r\n".encode())
            raw.recv(1000)
    text = path.read_text()
    assert '"event":"request"' in text.replace(": ", ":")
    for forbidden in (canary, secret, secret.split("_", 2)[2], "Bearer", "iVBOR"):
        assert forbidden not in text
    rows = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert all(row.get("request_id") for row in rows if row["event"] == "request")
    assert "admin" in {row.get("principal") for row in rows}


def test_is_loopback() -> None:
    assert settings.is_loopback("127.9.9.9")
    assert settings.is_loopback("[::1]")
    assert not settings.is_loopback("10.0.0.1")
    assert not settings.is_loopback("no.such.host.invalid")
