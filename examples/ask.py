"""Ask a running server from Python: look once, ask twice.

    python examples/ask.py PICTURE "only the left leg" ["both hands" …] [--server URL]

Needs nothing but `posealign` (httpx). A server with keys: export POSEALIGN_KEY=…
"""

from __future__ import annotations

import argparse
import os
import sys

from posealign.client import Client
from posealign.errors import PoseAlignError


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("picture")
    parser.add_argument("instructions", nargs="+")
    server = os.environ.get("POSEALIGN_SERVER", "http://127.0.0.1:8000")
    parser.add_argument("--server", default=server)
    given = parser.parse_args()
    try:
        with Client(given.server, key=os.environ.get("POSEALIGN_KEY")) as client:
            frame = client.look(given.picture)  # the picture is sent once
            for instruction in given.instructions:
                answer = client.ask(frame, instruction)
                if answer.instruction.refused:
                    print(f"{instruction}: refused ({answer.instruction.reason})")
                for number, pose in enumerate(answer.poses):
                    for joint in pose.joints:
                        place = "-" if joint.x is None else f"{joint.x:.1f}, {joint.y:.1f}"
                        print(
                            f"{instruction}: person {number}, {joint.name}: {place} "
                            f"({joint.state.name.lower()}, {joint.confidence:.0%})"
                        )
    except PoseAlignError as error:  # each has a code: error.code
        print(f"{error.code}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
