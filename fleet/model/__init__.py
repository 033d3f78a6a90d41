"""The aggregate of one model: its state, facts, effects and the step."""
