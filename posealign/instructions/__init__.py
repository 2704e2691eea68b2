"""What the words mean: the Query, its parts, and the code that answers it exactly."""
