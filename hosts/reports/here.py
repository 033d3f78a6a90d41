"""Reports drawn in this process, where Evidently is installed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa

from engine.errors import Refused
from hosts.reports import drawing
from hosts.reports.prepared import prepare


class ReportsHere:
    """Implements `fleet.ports.Reports`."""

    def html(
        self,
        title: str,
        notes: Sequence[str],
        current: Iterable[pa.Table],
        reference: Iterable[pa.Table],
    ) -> bytes:
        """See `fleet.ports.Reports`."""
        _check_installed()
        found = prepare(title, notes, current, reference)
        return drawing.page(found.title, found.notes, found.now, found.usual)


def _check_installed() -> None:
    try:
        with drawing.unwarned():
            import evidently  # noqa: F401
    except ImportError as error:
        raise Refused("install driftwarden[reports]") from error
