"""Runs a station with N small cameras and prints a line a second: frames, answers, CPU, memory.

python -m tests.camera.sixteen URL CAMERAS SECONDS FOLDER
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from serving.camera import log
from serving.camera.config import Cameras
from serving.camera.secret import Secrets
from serving.camera.station import Station
from tests.camera.stub import StubPredictor


def memory_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    log.configure(Secrets())  # to stderr: stdout is for the figures
    url, count, seconds, folder = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
    rows = [
        {"name": f"c{n}", "source": {"url": url}, "instruction": "all", "rate": 5,
         "rules": [{"name": "p", "kind": "posture"}]}
        for n in range(count)
    ]  # fmt: skip
    config = {"cameras": rows, "watch": None, "state": f"{folder}/state{count}"}
    station = Station(Cameras.model_validate(config), StubPredictor(), Secrets())
    station.start()
    end = time.monotonic() + 20
    while time.monotonic() < end and not all(
        post.capture.health() == "live" for post in station.posts.values()
    ):
        time.sleep(0.1)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        used = resource.getrusage(resource.RUSAGE_SELF)
        posts = station.posts.values()
        print(json.dumps({
            "time": time.monotonic(), "cpu": used.ru_utime + used.ru_stime, "mb": memory_mb(),
            "frames": sum(p.capture.frames.total for p in posts),
            "answers": sum(p.answers.total for p in posts),
            "live": sum(p.capture.health() == "live" for p in posts),
            "troubles": sorted({p.capture.trouble for p in posts if p.capture.trouble}),
            "age_p99": max((p.ages.percentile(0.99) or 0) for p in posts),
        }), flush=True)  # fmt: skip
        time.sleep(1)
    station.stop()


if __name__ == "__main__":
    main()
