"""Slices of a model's state: what one subject remembers between steps."""
