"""From a torch model to files that run without torch."""
