"""Does tuning pay? Controls, ablations, preferences: `python -m training.experiments CONFIG`."""
