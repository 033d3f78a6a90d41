"""Read-only views for engineers: view models, pages, and the summary of a replay."""
