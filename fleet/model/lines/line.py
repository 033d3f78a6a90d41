"""A journal line: how its kinds are written as JSON, and read back.

The class name, in snake case, is the `what` of the written line: renaming a class or a field makes
lines of earlier journals `Other`. Verdicts and phases are plain text here, so that a word which a
later version no longer uses can still be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import get_args

import engine.step
from engine import codec
from engine.errors import Broken
from fleet.model.lines import alerting, logs, operations, serving, training, windows
from fleet.model.lines.omitted import left_out


@dataclass(frozen=True)
class Other:
    """A line that this version does not know: its kind, or the fields of that kind, are others."""

    what: str
    fields: Mapping[str, object]


Known = (
    logs.Read
    | logs.Counted
    | logs.Late
    | logs.Ahead
    | logs.Unmatched
    | logs.Unfinished
    | logs.Unread
    | logs.Shrank
    | logs.Stranger
    | windows.Assessed
    | windows.Joined
    | windows.Unjudged
    | windows.Reference
    | windows.Report
    | windows.Event
    | training.Trigger
    | training.Run
    | training.Registered
    | training.Surveyed
    | training.Gate
    | serving.Rollout
    | serving.Champion
    | serving.Traffic
    | serving.Foreign
    | serving.Mirror
    | serving.Restored
    | alerting.Alert
    | alerting.Slo
    | alerting.Silence
    | alerting.Quiet
    | alerting.Notified
    | alerting.Page
    | alerting.Undelivered
    | alerting.Delivered
    | operations.Policy
    | operations.Dormant
    | operations.Command
    | operations.Refused
    | operations.Parked
    | operations.Noticed
    | operations.Documented
    | operations.Noted
    | alerting.AzureAlert
    | operations.Unknown
)
Line = Known | Other
KINDS: dict[str, type[Known]] = {codec.kind_of(shape): shape for shape in get_args(Known)}


def what_of(line: Line) -> str:
    """Return the kind of a line, as it stands in the journal."""
    return line.what if isinstance(line, Other) else codec.kind_of(type(line))


def write_line(line: Line) -> engine.step.Line:
    """Return a line as the JSON object that the journal keeps."""
    if isinstance(line, Other):
        return {"what": line.what, **line.fields}
    said = ((field, getattr(line, field.name)) for field in fields(line))
    return {
        "what": what_of(line),
        **{field.name: _plain(value) for field, value in said if not left_out(field, value)},
    }


def read_line(written: engine.step.Line) -> Line:
    """Return the line that a JSON object of the journal is.

    A field that is absent has its default; a line that does not fit its kind is `Other`.
    """
    found = {name: value for name, value in written.items() if name != "what"}
    what = str(written.get("what", ""))
    shape = KINDS.get(what)
    if shape is None:
        return Other(what, found)
    try:
        return codec.typed(shape, found)
    except Broken:
        return Other(what, found)


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, str | int | float) else codec.plain(value)
