"""Run a study, or go on with one: `python -m training.experiments CONFIG key=value …`."""

from __future__ import annotations

import hashlib
import platform
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from posealign.config import load_config
from posealign.errors import InvalidConfig, nearest
from training.experiments import absent, parts, raters
from training.experiments.arms import Study, open_study, say
from training.experiments.config import StudyConfig
from training.experiments.report import write_report
from training.experiments.tables import Findings

PARTS: Mapping[str, Callable[[Study], Findings]] = {
    "core": parts.core,
    "hallucination": absent.hallucination,
    "preferences": raters.preferences,
    "rewards": parts.rewards,
    "band": parts.band,
    "presence": absent.presence,
    "few_shot": parts.few_shot,
    "ppo": parts.ppo,
    "ai_feedback": raters.ai_feedback,
}


def study(config: StudyConfig) -> Path:
    """Part after part; the page is written anew after each, so a stopped study has one too."""
    for name in config.parts:
        if name not in PARTS:
            raise InvalidConfig(f"no part is called {name!r}{nearest(name, PARTS)}")
    torch.set_num_threads(config.threads)
    began, cpu = time.time(), time.process_time()
    out = Path(config.out)
    out.mkdir(parents=True, exist_ok=True)
    opened = open_study(config)
    weights = hashlib.sha256(Path(config.weights_from).read_bytes()).hexdigest()[:16]
    findings: dict[str, Findings] = {}
    path = out / "report.md"
    for name in config.parts:
        say(f"part {name}")
        findings[name] = PARTS[name](opened)
        notes = {
            "starting weights": weights,
            "views": ", ".join(f"{k} {len(c)} of {len(set(c.body_N.tolist()))} bodies"
                               for k, c in opened.caches.items()),
            "seeds": f"{list(config.seeds)}, ablations {list(config.ablation_seeds)}",
            "this call": f"{time.process_time() - cpu:.0f} CPU s, {time.time() - began:.0f} s",
            "machine": f"{platform.machine()}, {config.threads} thread(s)",
        }  # fmt: skip
        write_report(out, config, findings, notes)
    return path


def main() -> None:
    print(study(load_config(StudyConfig, sys.argv[1], sys.argv[2:])))


if __name__ == "__main__":
    main()
