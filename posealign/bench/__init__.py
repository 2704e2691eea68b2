"""How fast a bundle runs on this machine, and beside what: `posealign bench`.

Everything that is compared is timed in turn in the same run (interleaved), so that a noisy or
throttled machine slows all of it; medians are reported.
"""
