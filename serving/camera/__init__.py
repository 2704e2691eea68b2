"""Cameras: `posealign camera` watches pictures, answers instructions and tells others."""
