"""Fields that a journal line leaves out while they have their default.

Such a field is declared as `field(default="", metadata=OMITTED)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field

OMITTED: Mapping[str, bool] = {"omitted": True}


def left_out(field: Field[object], value: object) -> bool:
    """Tell whether a field is not written, because it is `OMITTED` and has its default."""
    if not field.metadata.get("omitted"):
        return False
    factory = field.default_factory
    return value == (field.default if factory is MISSING else factory())
