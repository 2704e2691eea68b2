"""The model card, generated from a bundle: nothing in it is written by hand.

python -m training.card posealign/bundles/default docs/model-card.md
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from posealign import bundle as bundles
from posealign.bundle import Bundle

SOURCES = {
    "lspet": "Leeds Sports Pose Extended (Johnson & Everingham, CVPR 2011): 9,022 crops of people "
    "in sport, Flickr pictures. No licence is given; the authors ask to be cited. Labels are "
    "crowd-sourced; sides were exchanged where a second model clearly disagreed "
    "(training/shards.py). Face points are pseudo-labels by MoveNet Lightning.",
    "coco": "54 pictures of COCO 2017 (annotations CC BY 4.0; pictures under Flickr licences).",
    "synth": "Synthetic infants rendered by this project (`posealign synth`): exact labels, no "
    "real person.",
    "lit": "Synthetic infants of an earlier look (see docs/decisions/0022).",
    "shown": "Synthetic infants of the latest look.",
    "older": "Synthetic infants rendered anew for the part before.",
    "aside": "The people who stand beside those of the part before.",
    "fresh": "Synthetic infants rendered anew for the last part.",
    "others": "The people who stand beside those of the last part.",
    "beside": "The people who stand beside the synthetic infants, mostly cut by the border.",
}


def card(bundle: Bundle) -> str:
    data = bundle.metadata
    megabytes = bundle.bytes / 1e6
    graphs = sum(data.files[f"{graph}.onnx"].bytes for graph in bundles.GRAPHS) / 1e6
    lines = [
        f"# Model card: `{data.name}` {data.version}",
        "",
        f"Generated from the bundle by `python -m training.card`; digest `{bundle.digest[:16]}…`.",
        "",
        "## What it is",
        "",
        f"A model that places body joints asked for in words. Input {data.input.width}×"
        f"{data.input.height} pixels, {data.vocabulary.count} vocabulary joints, "
        f"{' and '.join(data.text.languages)}. Four graphs of {graphs:.1f} MB together "
        f"({data.precision}), {megabytes:.1f} MB with the weights to train on from. "
        f"Licence {data.licence}.",
        "",
        *[f"Started from: {origin}." for origin in data.origin],
        "",
        "## Intended use",
        "",
        "Research and development on infant and general pose estimation, and as a start for "
        "training on one's own data. **Not a medical device**: it has been validated for no "
        "diagnosis, no monitoring and no decision about a person's care. Do not use it to identify "
        "people or to watch them without their (or their parents') consent.",
        "",
        "## Data",
        "",
        *[f"- {SOURCES.get(name, name)} (`{digest[:12]}…`)"
          for name, digest in sorted(data.training.get("shards", {}).items())],
        "",
        *_training(data.training),
        "## Figures",
        "",
        f"Printed by `{data.figures.get('command', '')}` (the recipe is "
        f"[train.md](how-to/train.md)); held-out people, box given, nothing filtered. Intervals "
        "are 95 %, by bootstrap over pictures.",
        "",
        *_table(data.figures),
        "",
        "## Limits",
        "",
        *[f"- {limit}" for limit in (*_measured_limits(data.figures), *LIMITS)],
        "",
    ]  # fmt: skip
    return "\n".join(lines)


LIMITS = (
    "No real infant was in the training data; how well it does on them was not measured here.",
    "Hands, feet and face points beyond the eyes, ears and nose were learnt from synthetic "
    "people only.",
    "LSP shows mostly young athletic adults; other people, dark rooms and thermal pictures are "
    "less well covered.",
    "Left and right are confused more often from behind and upside down.",
)


def _measured_limits(figures: dict[str, Any]) -> list[str]:
    """What the figures themselves say is not good enough."""
    synthetic = figures.get("synthetic", {})
    found = []
    place = synthetic.get("pck body visible")
    if place is not None and place < 0.93:
        found.append(
            f"On held-out synthetic infants only {place:.0%} of the visible body joints are within "
            "a tenth of the torso; the project's aim is 93 %. The model saw few synthetic pictures."
        )
    absent = synthetic.get("absent body joints emitted")
    if absent is not None and absent > 0.03:
        found.append(
            f"{absent:.0%} of the joints that are outside the picture are answered all the same "
            "(aim 3 %)."
        )
    nearer, covered = (synthetic.get(f"{which} of twins told") for which in ("nearer", "covered"))
    if nearer is not None and covered is not None and min(nearer, covered) < 0.9:
        found.append(
            "Of a left and a right limb joint clearly apart in depth, the nearer one is told in "
            f"{nearer:.0%}; of two of which one is covered, that one in {covered:.0%}."
        )
    told = synthetic.get("what hides a joint told")
    if told is not None and told < 0.9:
        found.append(
            f"What hides a hidden joint is told in {told:.0%}, learnt from synthetic people alone."
        )
    swapped = synthetic.get("sides swapped, prone")
    if swapped is not None and swapped > 0.005:
        found.append(
            f"Of synthetic infants lying prone {swapped:.0%} of the visible limb joints are given "
            f"to the other side (of all {synthetic['sides swapped']:.0%}; aim 0.5 %)."
        )
    return found


def _training(training: dict[str, Any]) -> list[str]:
    rows = [f"- {key}: {json.dumps(value)}" for key, value in sorted(training.items())
            if key not in ("shards", "limits", "recipe")]  # fmt: skip
    return ["## Training", "", *rows, ""] if rows else []


def _table(figures: dict[str, Any]) -> list[str]:
    lines = ["| data | figure | value |", "|---|---|---|"]
    for name, values in figures.items():
        if not isinstance(values, dict):
            continue
        for key, value in values.items():
            lines.append(f"| {name} | {key.replace('_', ' ')} | {_number(value)} |")
    return lines


def _number(value: Any) -> str:
    if isinstance(value, list) and len(value) == 3:
        return f"{value[0]:.3f} ({value[1]:.3f} to {value[2]:.3f})"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def main() -> None:
    bundle = bundles.load(Path(sys.argv[1]))
    Path(sys.argv[2]).write_text(card(bundle), "utf-8")


if __name__ == "__main__":
    main()
