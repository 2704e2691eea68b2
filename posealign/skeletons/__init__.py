"""Joints and skeletons: names in two languages, edges, left/right swaps, sigmas."""
