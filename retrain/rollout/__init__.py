"""A challenger's way to production: its state, its stages, and the judge that guards it."""
