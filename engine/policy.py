"""The base of every policy: frozen, and strict about names it does not know."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Policy(BaseModel):
    """A set of rules a user may write in fleet.yaml.

    Each module subclasses it beside the code it rules; `fleet.document.config` composes them.
    A duration is an `engine.duration.Duration`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
