"""Drills: faults played against a scratch fleet, to see who is told."""
