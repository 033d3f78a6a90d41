"""Worked examples; no part of the product imports them."""
