"""Shared by all tests: quiet threads, the data beside the repository, and no silent skips."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Generator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("NO_COLOR", "1")

import posealign.compat  # noqa: F401, I001 - before anything that may import torchvision

import cv2
import pytest
from hypothesis import HealthCheck, settings

from tests import machine

cv2.setNumThreads(1)
settings.register_profile(
    "house",
    deadline=None,
    max_examples=60,
    derandomize=True,
    print_blob=False,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("house")

ROOT = Path(__file__).parents[1]

# A skipped test is a failure unless its reason begins like one of these.
ALLOWED_SKIPS = {
    r"no GPU": "most machines have none; the CPU path is tested everywhere",
    r"no \.\./shared": "data that may not be part of the repository",
    r"no Debian package": "`make` could not install it: no apt, no root or no network",
    r"no \.venv-mm": "OpenMMLab guests live in an environment of their own, see `make mm`",
    r"no docker engine": "images are built where one runs",
}


@pytest.fixture(autouse=True)
def clock() -> None:
    """What others take of the machine counts from the start of each test."""
    machine.begin()


@pytest.fixture(scope="session")
def shared() -> Path:
    """Data beside the repository, or where POSEALIGN_SHARED says; skips without it."""
    path = Path(os.environ.get("POSEALIGN_SHARED", ROOT.parent / "shared"))
    if not path.is_dir():
        pytest.skip("no ../shared beside the repository, and POSEALIGN_SHARED names none")
    return path


@pytest.fixture(scope="session")
def debian() -> Callable[[str, str], str]:
    """debian("mosquitto", "mosquitto") → the program's path; skips where it cannot be had."""

    def find(program: str, package: str) -> str:
        path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
        if path is None:
            note = ROOT / ".venv" / ".debian-missing"
            known = note.read_text().split() if note.is_file() else []
            if package in known or shutil.which("apt-get") is None:
                pytest.skip(f"no Debian package {package}, and it could not be installed")
            pytest.fail(f"no program {program!r}: run `.ci/debian test` (package {package})")
        return path

    return find


def _complaint(report: pytest.TestReport | pytest.CollectReport) -> str | None:
    """Why this skip is not allowed, or None."""
    if not report.skipped or hasattr(report, "wasxfail"):
        return None
    longrepr = report.longrepr
    reason = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
    reason = reason.removeprefix("Skipped: ")
    if any(re.match(pattern, reason) for pattern in ALLOWED_SKIPS):
        return None
    return f"skipped for a reason that is not on the list in tests/conftest.py: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if complaint := _complaint(report):
        report.outcome, report.longrepr = "failed", complaint
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if complaint := _complaint(report):
        report.outcome, report.longrepr = "failed", complaint
    return report
