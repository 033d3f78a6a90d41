"""Signals: what can become an alert."""
