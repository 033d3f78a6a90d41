"""Feature logs: files in Blob Storage, rows and traffic in Log Analytics."""
