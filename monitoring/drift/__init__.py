"""Drift against a reference: rulers, sketches, divergences, significance, verdicts."""
