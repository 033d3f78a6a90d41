"""OpenSLO files of a dry run; the one place that knows how they are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.errors import Refused
from fleet.document.objectives import objectives
from monitoring.slo.openslo.documents import Reading


def read(files: Sequence[Path]) -> Reading:
    """Return the SLOs of all files, and all that is wrong with them.

    Raises `Refused` for a file that cannot be read.
    """
    return objectives((str(file), _content(file)) for file in files)


def _content(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise Refused(f"{file}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise Refused(f"{file}: not UTF-8 at byte {error.start}") from error
