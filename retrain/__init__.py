"""Decide, train, gate, promote: every decision about a new model version, without any I/O."""
