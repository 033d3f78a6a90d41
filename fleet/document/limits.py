"""How many messages a vendor of receivers takes in a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Limit:
    """At most `count` messages in any time as long as `per`."""

    count: int
    per: timedelta

    @property
    def reserve(self) -> int:
        """The messages that are kept for pages: a fifth, one at least."""
        return max(1, self.count // 5)
