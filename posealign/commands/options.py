"""The options that several commands share, each declared once."""

from __future__ import annotations

from typing import Annotated

import typer

BundleName = Annotated[str, typer.Option("--bundle", help="Bundle name or folder.")]
SkeletonName = Annotated[str | None, typer.Option("--skeleton", help="Skeleton name or JSON file.")]
Provider = Annotated[str, typer.Option("--provider", help="auto, cpu, cuda, tensorrt or torch.")]
Passes = Annotated[
    int | None,
    typer.Option("--passes", help="1 to 4 looks at each person (default: the bundle's)."),
]
Language = Annotated[str, typer.Option("--language", help="Joint names on overlays: en or zh.")]
AsLines = Annotated[
    bool, typer.Option("--json", help="Errors as JSON too; answers are JSON lines anyway.")
]
