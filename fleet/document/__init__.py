"""fleet.yaml: read, checked and patched; nothing else reads it."""
