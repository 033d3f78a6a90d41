"""Join labels with predictions and judge performance."""
