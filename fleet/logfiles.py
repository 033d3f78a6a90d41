"""Where a model's log files lie: the layout of Azure ML's data collector, and of traffic logs.

`PATH/ENDPOINT/DEPLOYMENT/COLLECTION/yyyy/MM/dd/HH/INSTANCE.jsonl` ("Collect production data from
models deployed for real-time inferencing", Microsoft Learn); with another rolling rate the files
are one level higher (day) or lower (minute). Traffic logs are `traffic/ENDPOINT/yyyy/MM/dd/…`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from fleet import names
from fleet.document.logs import LOOK_BACK, TRAFFIC, Logs
from fleet.model.facts import LogGrew
from fleet.model.records import Collection

LINES = ".jsonl"
SUFFIXES = (LINES, ".parquet")
LOGGED = {"model_inputs": Collection.inputs, "model_outputs": Collection.outputs}
PAYLOADS = {"request": Collection.inputs, "response": Collection.outputs}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def collections_of(logs: Logs) -> Mapping[str, Collection]:
    """Return what the collections of a deployment are, by the names of their folders."""
    return PAYLOADS if logs.payloads else LOGGED


def grown(logs: Logs, path: str, size: int) -> LogGrew | None:
    """Return the fact that a file has `size` bytes; None where it is no log file of the model.

    >>> grown(Logs(endpoint="shop"), "modelDataCollector/Shop/v1/model_inputs/2026/08/a.jsonl", 9)
    LogGrew(blob='modelDataCollector/Shop/v1/model_inputs/2026/08/a.jsonl', size=9, \
collection=<Collection.inputs: 'model_inputs'>, deployment='v1')
    """
    if not path.endswith(SUFFIXES):
        return None
    parts = _below(TRAFFIC, path)
    if len(parts) > 1 and path.endswith(LINES):
        ours = names.same(parts[0], logs.endpoint)
        return LogGrew(path, size, Collection.traffic) if ours else None
    parts = _below(logs.path, path)
    if len(parts) < 4 or not names.same(parts[0], logs.endpoint):
        return None
    collection = collections_of(logs).get(parts[2])
    if collection is None:
        return None
    return LogGrew(path, size, collection, logs.version_of(parts[1]))


def name_of(fact: LogGrew) -> str:
    """Return the id of a growth's delivery: whoever tells of it, it is one."""
    return f"grew:{fact.size}:{fact.blob}"


def days(now: datetime, open_for: timedelta) -> tuple[str, ...]:
    """Return the folders of all days, oldest first, whose rows may still be taken in.

    >>> days(datetime(2026, 3, 1, 9), timedelta(days=1))
    ('2026/02/27', '2026/02/28', '2026/03/01')
    """
    # A local day begins up to a day before the day of UTC that it shares its date with.
    back = min(open_for + DAY, LOOK_BACK) // DAY
    return tuple(folder(now.date() - place * DAY) for place in reversed(range(back + 1)))


def hours(now: datetime) -> dict[str, frozenset[int]]:
    """Return the hours whose files can still grow, by the folder of their day.

    >>> hours(datetime(2026, 3, 1, 0, 5)) == {
    ...     "2026/02/28": frozenset({23}), "2026/03/01": frozenset({0})
    ... }
    True
    """
    found: dict[str, frozenset[int]] = {}
    for moment in (now - HOUR, now):
        day = folder(moment.date())
        found[day] = found.get(day, frozenset()) | {moment.hour}
    return found


def folder(day: date) -> str:
    """Return the folder of a day of UTC."""
    return f"{day:%Y/%m/%d}"


def _below(root: str, path: str) -> list[str]:
    inside = path.removeprefix(f"{root}/")
    return inside.split("/") if inside != path else []
