"""posealign dicom: a DICOM picture or clip and an instruction in, joints out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from posealign.commands.options import AsLines, BundleName, Provider, SkeletonName
from posealign.data.image import encode_image
from posealign.draw import draw
from posealign.interop.dicom import Dicom
from posealign.predictor import Predictor


def dicom(
    path: Annotated[Path, typer.Argument(help="DICOM file, one frame or many.")],
    instruction: Annotated[str, typer.Argument(help="What to find, in words.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder for overlays, one a frame.")
    ] = None,
    bundle: BundleName = "default",
    skeleton: SkeletonName = None,
    provider: Provider = "auto",
    as_json: AsLines = False,  # read where errors are told
) -> None:
    """Answer one instruction on every frame of a DICOM file; one JSON line a frame on stdout."""
    found = Dicom(path)
    predictor = Predictor(bundle, provider)
    for number, image in enumerate(found):
        result = predictor.look(image).ask(instruction, skeleton)
        print(json.dumps({"frame": number, **result.to_json()}, ensure_ascii=False))
        if output is not None:
            output.mkdir(parents=True, exist_ok=True)
            overlay = encode_image(draw(image, result), ".png")
            (output / f"{path.stem}-{number:05d}.png").write_bytes(overlay)
