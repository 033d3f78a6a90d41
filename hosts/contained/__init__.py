"""fleet.yaml in a container: read by etag, taken over while the app runs, and uploaded."""
