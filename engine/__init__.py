"""The crash-safe loop: store, unit of commit, outbox, journal, blobs, clock. Knows no ML."""
