"""The names of the partitions that belong to no model."""

from __future__ import annotations

#: The fleet's own partition: event types that nothing takes, and what was parked.
FLEET = "fleet"
#: The partition of an on-call team is this prefix and the team's name.
ONCALL = "oncall:"
