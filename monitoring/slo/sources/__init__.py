"""Sources of service-level indicators: one file for each kind, which counts good and bad events."""
