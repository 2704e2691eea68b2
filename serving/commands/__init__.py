"""Commands of `posealign` that need the server's packages."""
