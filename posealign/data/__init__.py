"""Pictures, crops, poses and samples, and where they come from."""
