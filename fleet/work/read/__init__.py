"""Read logs: files range by range, and log services hour by hour."""
