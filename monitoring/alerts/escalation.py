"""When an unacknowledged page goes to the next receiver."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta


def due(paged: datetime, level: int, chain: Sequence[str], after: timedelta) -> datetime | None:
    """When an unacknowledged page goes from `chain[level]` to the next; None at the chain's end.

    >>> from datetime import UTC
    >>> noon = datetime(2013, 7, 1, 12, tzinfo=UTC)
    >>> due(noon, 0, ("first", "second"), timedelta(minutes=30)).isoformat()
    '2013-07-01T12:30:00+00:00'
    >>> due(noon, 1, ("first", "second"), timedelta(minutes=30)) is None
    True
    """
    return paged + after if level + 1 < len(chain) else None
