"""PoseAlign: ask for the keypoints you need, in words."""

from posealign import compat

__version__ = "0.1.0"

compat.install()
