"""The parts of a model's step, one subject each."""
