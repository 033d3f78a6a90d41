"""The log of a served app on standard error, a line a record."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from engine.texts import visible

logger = logging.getLogger("driftwarden")


class Visible(logging.Formatter):
    """Escapes what steers a terminal or begins a line: messages quote senders and models."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's)
        """Return the message; a traceback follows it as it is."""
        return visible(super().formatMessage(record))


@contextmanager
def logged() -> Iterator[None]:
    """Write warnings and errors of the app to standard error until the end."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.setFormatter(Visible())
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
