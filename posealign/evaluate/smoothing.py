"""What smoothing does to simulated tracks: several noises, speeds and frame rates.

    python -m posealign.evaluate.smoothing
    python -m posealign.evaluate.smoothing hold=0 rest=0.2 beta=12 derivative_cutoff=1.5

The figure of an evaluation rests on a few clips of one network. Settings are chosen here, where
noise is known and a movement's truth exact; docs/decisions/0020-smoothing-that-holds.md says how.
Shapes: F frames, N tracks.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from posealign.errors import InvalidInput, among
from posealign.metrics import temporal
from posealign.metrics.oks import Floats
from posealign.temporal import OneEuro, SmoothingSettings

SECONDS = 2.0
TRACKS = 12


@dataclass(frozen=True)
class Track:
    """`noise` and `swing` in torso lengths: jitter of the raw joint, and a movement's amplitude."""

    rate: float = 30.0
    noise: float = 0.012  # what version 0.3.0 shows at rest
    swing: float = 0.15
    hertz: float = 3.0

    def __str__(self) -> str:
        return (
            f"{self.rate:g} fps, noise {self.noise:.1%}, swing {self.swing:g} at {self.hertz:g} Hz"
        )


TRIALS = (
    Track(), Track(noise=0.006), Track(noise=0.02), Track(noise=0.03), Track(swing=0.05),
    Track(swing=0.3), Track(hertz=1.0), Track(swing=0.05, hertz=1.0), Track(rate=15.0),
    Track(rate=60.0),
)  # fmt: skip


@dataclass(frozen=True)
class Effect:
    """Medians over tracks. A negative loss is an overshoot."""

    jitter: float  # at rest, torso lengths
    loss: float  # of the movement's amplitude
    lag: float  # seconds


def effect(settings: SmoothingSettings, track: Track, seed: int = 0) -> Effect:
    """The same noise on a joint that rests and on one that swings."""
    random = np.random.default_rng(seed)
    times = np.arange(round(SECONDS * track.rate)) / track.rate
    # Jitter counts both axes.
    noise = random.normal(0, track.noise / np.sqrt(2), (TRACKS, len(times), 2))
    swing = track.swing * np.sin(2 * np.pi * track.hertz * times)
    settled = len(times) // 4
    jitters, tones = [], []
    for noise_F2 in noise:
        rest = smoothed(settings, noise_F2, times)[settled:]
        moving = smoothed(settings, noise_F2 + np.stack([swing, 0 * swing], axis=1), times)
        jitters.append(temporal.jitter(rest[:, None], 1.0)[0])
        tones.append(temporal.movement_loss(
            moving[settled:, 0], swing[settled:], times[settled:], track.hertz
        ))  # fmt: skip
    loss, lag = np.median(np.array(tones), axis=0)
    return Effect(float(np.median(jitters)), float(loss), float(lag))


def smoothed(settings: SmoothingSettings, points_F2: Floats, times_F: Floats) -> Floats:
    one = OneEuro(settings)
    return np.stack(
        [one(point, float(t), 1.0) for point, t in zip(points_F2, times_F, strict=True)]
    )


def settings_from(changes: Sequence[str]) -> SmoothingSettings:
    """The defaults with `name=value` changed."""
    values = asdict(SmoothingSettings())
    for change in changes:
        name, _, value = change.partition("=")
        if name not in values:
            raise InvalidInput(f"smoothing has no setting {name!r}{among(name, values)}")
        try:
            values[name] = float(value)
        except ValueError:
            raise InvalidInput(f"{change!r} is no number; expected e.g. {name}=0.5") from None
    return SmoothingSettings(**values)


def main() -> None:
    settings = settings_from(sys.argv[1:])
    print("| track | jitter at rest | amplitude lost | lag, ms |\n| --- | ---: | ---: | ---: |")
    for track in TRIALS:
        found = effect(settings, track)
        print(f"| {track} | {found.jitter:.2%} | {found.loss:.1%} | {found.lag * 1e3:.0f} |")


if __name__ == "__main__":
    main()
