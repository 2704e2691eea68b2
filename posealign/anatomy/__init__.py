"""Facts about bodies and what follows from them, in plain numpy."""
