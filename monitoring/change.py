"""The sorts of changes around a model that people and other systems report."""

from __future__ import annotations

from enum import StrEnum


class Change(StrEnum):
    """What sort of change it is."""

    NOTE = "note"
    DEPLOYMENT = "deployment"
    SCHEMA = "schema"
    INCIDENT = "incident"
    CAMPAIGN = "campaign"
