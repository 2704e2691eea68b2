"""Pages whose commands run: in order, in one folder, as their reader would run them.

Shell lines and Python blocks stand unaltered, but for the server's port and for what a page can
only name (VALUES). BEFORE makes what the reader already has, with the tools themselves. A line
`posealign serve` starts the server that the lines after it ask.

Only read, by test_commands.py, beside its EXCEPTIONS:
- docs/explanation/alignment.md: its experiments take a trained checkpoint and hours;
- CONTRIBUTING.md: its commands are `make test` and `make lint` themselves.
"""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from posealign import bundle as bundles
from serving.samples import sample_pictures
from tests.docs.blocks import PAGES, ROOT, SHELL, blocks, commands, name
from tests.docs.test_commands import exception
from tests.serving.conftest import free_port, until_ready

# COCO labels of drawn people: they stand for the reader's own.
LABELS = """python - <<'PYTHON'
from pathlib import Path
import cv2
from posealign.data.sample import Person, Sample
from posealign.data.sources.coco import write_coco
from training.figures import drawn

Path("pictures").mkdir()
for name, count, seed in (("labels", 48, 0), ("unseen", 6, 1)):
    shard, samples = drawn(count, seed=seed), []
    for n, image in enumerate(shard.images_NSS3):
        file = f"{name}-{n}.png"
        cv2.imwrite(f"pictures/{file}", image[..., ::-1])
        box = tuple(map(float, shard.boxes_N4[n]))
        person = Person(shard.points_NV2[n], shard.states_NV[n], box)
        samples.append(Sample(file, image, (person,), "drawn", facts={"file": file}))
    write_coco(f"{name}.json", samples)
PYTHON"""
CLIP = "posealign synth -o clip --split test --sequence 2"
INFANTS = "posealign synth -o {} --split test --count {} --poses 4 --files"

# What a page's reader has before its first line.
BEFORE: dict[str, tuple[str, ...]] = {
    "docs/how-to/cameras.md": (
        CLIP, "sed 's/^watch: null/watch: {port: 8010}/' examples/tour.yaml > cameras.yaml",
    ),
    "docs/how-to/evaluate.md": (
        LABELS, CLIP, "mv clip/clip.mp4 kicking.mp4", "posealign demo --pictures photos",
        r"printf '# Mine\n<!-- figures:begin -->\n<!-- figures:end -->\n' > README.md",
    ),
    "docs/how-to/export.md": (
        "posealign demo --pictures ward/frames", "cp ward/frames/ball.jpg ward/frames/eighth.jpg",
    ),
    "docs/how-to/mmpose.md": (f"ln -s {ROOT / '.venv-mm'} .venv-mm",),
    "docs/how-to/own-skeleton.md": ("posealign demo --pictures .", "mv asleep.jpg baby.jpg"),
    "docs/how-to/serve.md": (
        INFANTS.format("infants", 1), "mv infants/depth/*.png depth.png",
        "posealign demo --pictures .", "mv asleep.jpg a.jpg", "mv ball.jpg b.jpg",
        "mv infants/images/*.jpg baby.jpg",
    ),
    "docs/explanation/synthetic.md": (INFANTS.format("data/synth", 8),),
    "docs/reference/keypoint-pope.md": (
        INFANTS.format("runs/synth_tiny", 8),
        "posealign evaluate configs/eval_tiny.yaml out=runs/eval_synth limit=8",
    ),
}  # fmt: skip
# What stands in a page for what only its reader knows.
VALUES: dict[str, dict[str, str]] = {
    "docs/how-to/serve.md": {
        "withdraw ID": "withdraw $(posealign key list | head -1 | cut -d' ' -f1)",
        "SHA-256 of the picture, in hex": hashlib.sha256(sample_pictures()[0].data()).hexdigest(),
        "the digest the answer named": bundles.find("default").digest,
    },
}
# A request that a page makes to show what a refusal looks like; curl ends with 22.
REFUSED = "image=@examples/ask.sh"
ADDRESS = "127.0.0.1:8000"
READ_ONLY = ("CONTRIBUTING.md", "docs/explanation/alignment.md")
RUN = [
    name(page)
    for page in PAGES
    if name(page) not in READ_ONLY
    and any(block.language in (*SHELL, "python") for block in blocks(page))
]  # fmt: skip


def script(page: str) -> list[str]:
    """The page's lines that run; a Python block is one line."""
    lines = []
    for block in blocks(ROOT / page):
        if block.language in SHELL:
            lines += [row for row in commands(block) if exception(row) is None]
        elif block.language == "python" and not block.text.startswith("_base_"):
            lines.append(f"python - <<'PYTHON'\n{block.text}PYTHON")
    for placeholder, value in VALUES.get(page, {}).items():
        assert any(placeholder in line for line in lines), f"{page} has no {placeholder!r}"
        lines = [line.replace(placeholder, value) for line in lines]
    return [re.sub(r"\bcurl ", "curl --fail-with-body ", line) for line in lines]


class Desk:
    """A folder as somebody's checkout is, a shell that remembers, and a server of its own."""

    def __init__(self, folder: Path, path: Path) -> None:
        self.folder = folder / "desk"
        self.folder.mkdir()
        for link in ("configs", "examples"):
            (self.folder / link).symlink_to(ROOT / link)
        self.port = free_port()
        self.server: subprocess.Popen[bytes] | None = None
        self.variables = folder / "variables"  # each line has a shell; what one sets, the next know
        self.variables.touch()
        self.environment = {
            **os.environ, "PATH": f"{path}:{os.environ['PATH']}",
            "OMP_NUM_THREADS": "1", "NO_COLOR": "1",
            "POSEALIGN_SERVER": f"http://127.0.0.1:{self.port}",
            "POSEALIGN_SERVE_PORT": str(self.port), "POSEALIGN_SERVE_LOG_LEVEL": "error",
            "POSEALIGN_SERVE_FEEDBACK_FILE": "feedback.jsonl",
            "POSEALIGN_SERVE_AUDIT_FILE": "audit.jsonl",
        }  # fmt: skip

    def run(self, line: str) -> None:
        line = line.replace(ADDRESS, f"127.0.0.1:{self.port}")
        if line.startswith("posealign serve"):
            return self.serve(line)
        kept = f"set -a\n. {self.variables}\n{line}\nexport -p > {self.variables}"
        done = subprocess.run(
            ["bash", "-euc", kept], cwd=self.folder, env=self.environment,
            capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        expected = 22 if REFUSED in line else 0
        assert done.returncode == expected, f"{line}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        return None

    def serve(self, line: str = "posealign serve") -> None:
        self.close()
        self.server = subprocess.Popen(
            ["bash", "-c", f"exec {line}"], cwd=self.folder, env=self.environment
        )
        until_ready(self.port)

    def close(self) -> None:
        if self.server is not None:
            self.server.send_signal(signal.SIGTERM)
            self.server.wait(60)


@pytest.fixture
def desk(
    request: pytest.FixtureRequest, tmp_path: Path, debian: Callable[[str, str], str]
) -> Iterator[Desk]:
    page = request.getfixturevalue("page")
    lines = script(page)
    path = Path(sys.executable).parent
    if "mmpose" in page:
        path = ROOT / ".venv-mm" / "bin"
        if not path.is_dir():
            pytest.skip("no .venv-mm, see `make mm`")
    if any(line.startswith("node ") for line in lines):
        debian("node", "nodejs")
    found = Desk(tmp_path, path)
    try:
        for line in BEFORE.get(page, ()):
            found.run(line)
        asked = next((line for line in lines if ADDRESS in line or "examples/ask" in line), None)
        first = next((line for line in lines if line.startswith("posealign serve")), None)
        if asked and not (first and lines.index(first) < lines.index(asked)):
            found.serve()  # `make run` did it
        yield found
    finally:
        found.close()


def test_what_is_made_is_wanted() -> None:
    assert set(BEFORE) | set(VALUES) <= set(RUN)


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN)
def test_the_page_runs(page: str, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    times = []
    for line in script(page):
        start = time.monotonic()
        desk.run(line)
        times.append(f"{time.monotonic() - start:6.1f} s  {line.splitlines()[0][:80]}")
    with capsys.disabled():
        print(f"\n{page}:", *times, sep="\n")
