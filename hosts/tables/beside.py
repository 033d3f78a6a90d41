"""The tables that fleet.yaml names, as files beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from hosts.tables.asked import check_place, unquoted
from hosts.tables.reading import read_batches
from monitoring.intake.limits import LIMITS, Limits
from monitoring.intake.references import named_once
from monitoring.intake.sampling import sampled, seed_of


class TablesBeside:
    """Implements `fleet.ports.Tables` on files beside fleet.yaml.

    Nothing in the folder `private` is a table that an operator may name.
    """

    def __init__(self, root: Path, private: Path | None = None, *, limits: Limits = LIMITS) -> None:
        self._root = root
        self._private = private
        self._limits = limits

    def read(self, path: str) -> pa.Table:
        """See `fleet.ports.Tables`; a table of more than 1 M rows comes as a sample."""
        batches = named_once(read_batches(self._root / path, self._limits), path)
        return sampled(batches, np.random.default_rng(seed_of(path)))

    def asked(self, path: str) -> pa.Table:
        """See `fleet.ports.Tables`."""
        check_place(self._root, path, self._private)
        return unquoted(path, lambda: self.read(path))
