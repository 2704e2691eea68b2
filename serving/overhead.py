"""What HTTP and the engine add to one question: python -m serving.overhead

A server of its own is asked over one kept connection; in turn with it the bare Predictor answers
the same question on the same picture in this process, so that a noisy machine slows both. What a
request adds is its time at the client less the time its work took on the server's own thread
(`Server-Timing: work`): decoding, looking and asking, which the bare Predictor does too.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass

import numpy as np

from posealign.data.image import decode_image, encode_image
from posealign.errors import Unavailable
from posealign.predictor import Predictor

QUESTION = "only the left leg"
SIDE = 320  # pixels of the picture
WARM = 20  # rounds that are not counted
_WORK = re.compile(r"work;dur=([\d.]+)")


@dataclass(frozen=True)
class Row:
    """Milliseconds."""

    what: str
    median: float
    p99: float
    most: float


class Asked:
    """One connection that stays open; each question is the same bytes."""

    def __init__(self, port: int, picture: bytes, box: tuple[float, ...]) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._connection.connect()
        assert self._connection.sock is not None
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        fields = {"instruction": QUESTION.encode(), "boxes": json.dumps([box]).encode()}
        head = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
        rest = b"".join(
            b'\r\n--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s'
            % (name.encode(), value)
            for name, value in fields.items()
        )
        self._body = head + picture + rest + b"\r\n--x--\r\n"
        self._headers = {"Content-Type": "multipart/form-data; boundary=x"}

    def close(self) -> None:
        self._connection.close()

    def __call__(self) -> tuple[float, float]:
        """(milliseconds here, milliseconds of work there)."""
        start = time.perf_counter()
        self._connection.request("POST", "/v1/pose", self._body, self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        took = (time.perf_counter() - start) * 1e3
        work = _WORK.search(answer.headers.get("Server-Timing", ""))
        if answer.status != 200 or work is None:
            raise Unavailable(f"the server answered {answer.status}: {body[:200]!r}")
        return took, float(work.group(1))


@contextmanager
def _server(bundle: str, threads: int) -> Iterator[int]:
    """`posealign serve` as anybody starts it, its log in a file; the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [
        sys.executable, "-m", "posealign", "serve", "--bundle", bundle, "--port", str(port),
        "--threads", str(threads),
    ]  # fmt: skip
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stderr=log, stdout=log)
        try:
            _until_ready(process, port)
            yield port
        finally:
            process.terminate()
            process.wait(60)


def _until_ready(process: subprocess.Popen[bytes], port: int, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", "/v2/health/ready")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.05)
    raise Unavailable("the server did not come up; start `posealign serve` to see why")


def measure(bundle: str = "default", rounds: int = 300, threads: int = 1) -> list[Row]:
    """Both sides in turn, in an order that chance decides each time."""
    noise_HW3 = np.random.default_rng(0).integers(0, 256, (SIDE // 8, SIDE // 8, 3), np.uint8)
    picture = encode_image(noise_HW3.repeat(8, 0).repeat(8, 1), ".jpg")
    box = (0.0, 0.0, float(SIDE), float(SIDE))
    predictor = Predictor(bundle, "auto", threads)

    def bare() -> float:
        start = time.perf_counter()
        predictor.look(decode_image(picture), [box]).ask(QUESTION)
        return (time.perf_counter() - start) * 1e3

    times: dict[str, list[float]] = {"Predictor": [], "HTTP": [], "work": [], "added": []}
    order = random.Random(0)
    with _server(bundle, threads) as port, closing(Asked(port, picture, box)) as asked:
        for number in range(rounds + WARM):
            first = order.random() < 0.5
            alone = bare() if first else 0.0
            took, work = asked()
            alone = alone if first else bare()
            if number >= WARM:
                for name, value in zip(times, (alone, took, work, took - work), strict=True):
                    times[name].append(value)
    names = {
        "Predictor": "the bare Predictor, here",
        "HTTP": "over HTTP, one kept connection",
        "work": "of that, work on the server's thread",
        "added": "added by HTTP and the engine",
    }
    return [
        Row(names[name], *(float(np.quantile(row, q)) for q in (0.5, 0.99, 1.0)))
        for name, row in times.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bundle", default="default")
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = measure(given.bundle, given.rounds, given.threads)
    if given.json:
        print(json.dumps([asdict(row) for row in rows]))
        return
    print(f"{'ms, batch 1':40}{'median':>9}{'p99':>9}{'most':>9}")
    for row in rows:
        print(f"{row.what:40}{row.median:9.2f}{row.p99:9.2f}{row.most:9.2f}")


if __name__ == "__main__":
    main()
