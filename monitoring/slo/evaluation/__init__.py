"""Objectives judged on counts by the minute: what fires, what is told, and what budget is left.

The evaluation at a minute boundary t sees the rows before t. All comparisons are exact.
"""
