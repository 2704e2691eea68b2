"""One module a group of routes; each holds a `router`."""
