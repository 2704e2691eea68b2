"""The picture in the README: the embedded bundle's own answers to four sample pictures.

    posealign demo --pictures samples
    python examples/answers.py samples docs/images/answers.jpg

Also the shortest use of the library: read a picture, look, ask, draw.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from posealign.data.image import read_image
from posealign.draw import draw
from posealign.predictor import Predictor

ASKED = {
    "sitting.jpg": "the hand nearer to the face",
    "asleep.jpg": "only the left leg",
    "ball.jpg": "弯得更厉害的膝盖",
    "night.jpg": "everything but the head",
}


def main(folder: Path, output: Path) -> None:
    predictor = Predictor()
    drawn = []
    for name, instruction in ASKED.items():
        image = read_image(folder / name)
        answer = predictor.look(image).ask(instruction)
        language = "zh" if answer.instruction.language == "zh" else "en"
        drawn.append(Image.fromarray(draw(image, answer, language=language)))
    width, height = 480, round(480 * max(one.height / one.width for one in drawn))
    small = [np.asarray(one.resize((width, height), Image.Resampling.LANCZOS)) for one in drawn]
    gap = np.full((height, 8, 3), 255, np.uint8)
    row = np.hstack([part for one in small for part in (one, gap)][:-1])
    Image.fromarray(row).save(output, quality=85)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
