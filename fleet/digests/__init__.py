"""Digests: what happened to a team's models, read from their heads and journals."""
