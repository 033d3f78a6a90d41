"""The names of the partitions that belong to no model."""

from __future__ import annotations

from monitoring.alerts import receivers

#: The fleet's own partition: unrecognised event types, and parked messages.
FLEET = "fleet"
#: The partition of an on-call team is this prefix and the team's name.
ONCALL = receivers.ONCALL
