"""A server whose image graph takes a known time, in a process of its own.

python -m tests.serving.slow_server BUNDLE --milliseconds 40 --port 8123
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

from posealign.predictor import Predictor
from posealign.runtime.session import Arrays
from serving import logs
from serving.app import create_app
from serving.models import open_predictor
from serving.server import DrainingServer, config_of
from serving.settings import Batching, Limits, Settings


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("bundle")
    parser.add_argument("--milliseconds", type=float, default=20.0)
    parser.add_argument("--rows", type=int, default=1)
    parser.add_argument("--queue", type=int, default=16)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args()
    settings = Settings(
        bundle=given.bundle, port=given.port, threads=1, drain_seconds=0.3, log_level="warning",
        limits=Limits(queue=given.queue), batching=Batching(max_size=given.rows, concurrency=4),
    )  # fmt: skip

    def opener(chosen: Settings, name: str) -> Predictor:
        predictor = open_predictor(chosen, name)
        image = predictor.graphs["image"]

        def slow(arrays: Arrays) -> Arrays:
            time.sleep(given.milliseconds / 1e3)
            return image(arrays)

        functions = {**predictor.graphs.functions, "image": slow}
        predictor.graphs = replace(predictor.graphs, functions=functions)
        return predictor

    logs.configure(settings.log_level)
    DrainingServer(config_of(settings, create_app(settings, opener))).run()


if __name__ == "__main__":
    main()
