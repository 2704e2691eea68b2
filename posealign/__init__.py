"""PoseAlign: ask for the keypoints you need, in words."""

__version__ = "0.1.0"
