"""Where pages can go: one kind of receiver a file, for every host to pick from."""
