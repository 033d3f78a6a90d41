"""The same app on one machine: SQLite, files, and a host that serves the Functions app itself."""
