"""Work: effects that compute. Each reads blobs, calls pure functions, and returns one fact."""
