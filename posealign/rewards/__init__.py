"""What an answer earns: pure functions on [G, B, V] tensors, one file a reward (torch)."""
