"""Observe, assess, alert: drift, data quality, performance, objectives and alerts. No I/O."""
