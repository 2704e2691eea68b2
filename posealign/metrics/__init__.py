"""Figures as pure functions on arrays: NaN where there is no place, masks where nobody looked."""
