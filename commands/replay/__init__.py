"""The replay command: recorded days pushed through the app's own triggers."""
