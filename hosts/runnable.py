"""Tries, within bounds, everything that run time will do with fleet.yaml and its files.

`validate`, and every command and host that opens a fleet, read fleet.yaml through this module.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from stat import S_ISREG

from engine.errors import Refused
from fleet.document.config import Config, Reading, reading
from fleet.document.receivers import settings
from fleet.document.teams import gaps
from fleet.document.text import Path as Place
from fleet.document.text import Problem
from hosts.kinds import HOSTS

#: The largest file that fleet.yaml may name as a calendar or as objectives, and itself.
MOST_BYTES = 16 * 1024 * 1024
#: Calendars are expanded over this year, and over so many before and after it.
BEFORE, AFTER = 2, 2
MARK = re.compile(r"#\s*CHANGE\b")


@dataclass(frozen=True)
class Found:
    """The findings in a fleet.yaml and around it.

    config : the document, None where it cannot be used.
    faults : everything to fix; without a `config` these are the reasons.
    notes : lines that are allowed, and may not be meant.
    files : the files beside it that it names, except tables of rows.
    """

    config: Config | None
    faults: tuple[Problem, ...]
    notes: tuple[Problem, ...]
    files: tuple[str, ...]

    def usable(self) -> Config:
        """Return the document; Refused with one line for each fault where it cannot be used."""
        if self.config is None:
            raise Refused("\n".join(str(fault) for fault in self.faults))
        return self.config


def document(file: Path, now: datetime) -> Found:
    """Read fleet.yaml, and the calendars and objectives that it names.

    Raises
    ------
    Refused
        The file itself cannot be read.
    """
    return _document(file, now)[0]


def runnable(file: Path, now: datetime) -> Found:
    """Read fleet.yaml as `document`, and try its references, trainings and settings, too.

    Raises
    ------
    Refused
        The file itself cannot be read.
    """
    found, read = _document(file, now)
    faults, notes = list(found.faults), list(found.notes)
    for path, message, fault in _surroundings(read, file.parent, now):
        (faults if fault else notes).append(read.text.problem(path, message))
    return replace(found, faults=_sorted(faults), notes=_sorted(notes))


def _document(file: Path, now: datetime) -> tuple[Found, Reading]:
    content = _text(file, str(file))
    years = range(now.year - BEFORE, now.year + AFTER + 1)
    named: dict[str, None] = {}

    def beside(name: str) -> str:
        named[name] = None
        return _text(file.parent / name, name)

    read = reading(content, file.name, beside, years)
    faults = [*read.problems, *_of_host(read)]
    config = read.config if not faults else None
    faults += [
        Problem(file.name, number, (), "still marked CHANGE; edit the line and remove the mark")
        for number, line in enumerate(content.splitlines(), 1)
        if MARK.search(line)
    ]
    notes = list(read.notes)
    for name, team in read.duties.items():
        notes += gaps(read.text, name, team, now)
    named |= dict.fromkeys(_of_azure_ml(read))
    return Found(config, _sorted(faults), _sorted(notes), tuple(named)), read


def _of_azure_ml(read: Reading) -> Iterator[str]:
    """Yield the files that Azure ML takes: of jobs, and of deployments."""
    for watched in read.models.values():
        training, deployment = watched.policy.training, watched.policy.serving.deployment
        if training is not None and training.job is not None:
            yield training.job
        if deployment is not None:
            yield deployment


def _sorted(found: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(set(found), key=lambda one: (one.line, str(one))))


def _of_host(read: Reading) -> Iterator[Problem]:
    """Yield what the host of the document's store cannot fulfil."""
    store = read.store
    if store is None:
        return
    kind = HOSTS.get(store.partition(":")[0])
    if kind is None:
        known = " and ".join(one.store for one in HOSTS.values())
        yield read.text.problem(("store",), f"{store!r}: known are {known}")
        return
    for name, reason in kind.openers().lacks(read.receivers):
        yield read.text.problem(("receivers", name), reason)
    for path, reason in kind.lacks(read.models):
        yield read.text.problem(path, reason)


def _surroundings(read: Reading, beside: Path, now: datetime) -> Iterator[tuple[Place, str, bool]]:
    # Late: reading tables takes a second of imports.
    from hosts.references import look

    kind = HOSTS.get((read.store or "").partition(":")[0])
    for name, watched in read.models.items():
        for told in look(watched, read.store or "", beside, now):
            yield ("models", name, *told.path), told.message, told.fault
        for path, reason in kind.missing(watched, beside) if kind is not None else ():
            yield ("models", name, *path), reason, True
    for name, receiver in read.receivers.items():
        for path, setting in settings(receiver):
            if setting not in os.environ:
                reason = f"the setting {setting} is not there in this environment"
                yield ("receivers", name, *path), reason, False


def _text(path: Path, name: str) -> str:
    """Return the text of a file; bytes that are no UTF-8 stay recognisable to its reader."""
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode):
            raise Refused(f"{name}: cannot be read: not a file")
        if status.st_size > MOST_BYTES:
            raise Refused(f"{name}:1: {status.st_size >> 20:,} MB; {MOST_BYTES >> 20} MB at most")
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise Refused(f"{name}: cannot be read: {reason}") from error
