"""The check command: read two tables, compare them, show what was found."""
