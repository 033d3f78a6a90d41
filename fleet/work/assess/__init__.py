"""Assess a window: drift, data quality and estimates against the reference."""
