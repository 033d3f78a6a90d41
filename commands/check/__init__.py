"""The check command: read two tables, compare them, show the report."""
