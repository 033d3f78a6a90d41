"""The base of every policy: frozen, and strict about names it does not know."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

#: A name of anything: a column, a level, a table, a receiver, a version.
ShortText = Annotated[str, Field(max_length=255)]
#: A path or an address: blob names have 1,024 characters at most.
LongText = Annotated[str, Field(max_length=1024)]
#: No count of rows, and no number of a feature, a loss or a cost, has to be larger.
MOST_ROWS, LARGEST = 1_000_000_000, 1e30


class Policy(BaseModel):
    """A set of rules a user may write in fleet.yaml.

    Each module subclasses it beside the code it rules; `fleet.document.config` composes them.
    A duration is an `engine.duration.Duration`, a text a `ShortText` or a `LongText`; a number has
    a lowest and a highest value.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
