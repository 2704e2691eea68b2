"""One command of `posealign` a module; found through entry points, loaded when run."""
