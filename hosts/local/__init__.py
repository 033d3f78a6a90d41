"""One machine and nothing but Python: SQLite, files, processes, a terminal."""
