"""The envelope of an event from outside: Event Grid's own schema, or CloudEvents 1.0.

The samples of Azure Machine Learning write keys in PascalCase, the service's specification in
camelCase, so the case of keys does not count. Every text is checked for what stores cannot keep.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.errors import Refused
from engine.texts import cut

#: No name, path or reason is longer; a blob's name has 1,024 characters at most.
LONGEST = 2048
#: Most characters of a value that a message repeats.
MOST_SHOWN = 200
#: No file is larger: 4 PiB.
LARGEST = 1 << 52
_UNSOUND = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class Event:
    """One event, from Event Grid's own schema or CloudEvents; `fields` have lower-case names."""

    id: str
    type: str
    source: str
    subject: str
    at: datetime | None
    fields: Mapping[str, object]

    def text(self, key: str) -> str:
        """Return a field as text, whole numbers included; Refused where it is absent."""
        value = self.fields.get(key)
        if isinstance(value, float) and value.is_integer():
            # Azure Machine Learning numbers its versions: 7 arrives as "7", 7 or 7.0.
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST:
            value = str(value)
        if not isinstance(value, str) or not value:
            raise Refused(f"event {self.id}: data.{key} is missing")
        return sound(value, f"event {self.id}: data.{key}")

    def number(self, key: str) -> int:
        """Return a field that counts bytes; Refused where it is none."""
        value = self.fields.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < LARGEST:
            raise Refused(
                f"event {self.id}: data.{key} is {_shown(value)}, a byte count is expected"
            )
        return value

    def tags(self, key: str) -> dict[str, object]:
        """Return a field's own fields, their names in lower case; empty where it is absent."""
        tags = self.fields.get(key.lower())
        if not isinstance(tags, Mapping | None):
            raise Refused(f"event {self.id}: {key!r} is not an object")
        return lowered(tags or {})

    @property
    def reason(self) -> str:
        """The reason that the sender gives, or else the type."""
        why = self.fields.get("reason") or self.type
        if not isinstance(why, str):
            raise Refused(f"event {self.id}: data.reason is {type(why).__name__}, text is expected")
        return sound(why, f"event {self.id}: data.reason")


def event(document: object) -> Event:
    """Read an event of either schema; keys are taken whatever their case.

    Raises
    ------
    Refused
        Where it is no object, where id or type is absent, or anything is of the wrong kind.
    """
    if not isinstance(document, Mapping):
        raise Refused(f"event: an object is expected, not {type(document).__name__}")
    keys = lowered(document)
    kind = keys.get("eventtype") or keys.get("type")
    name = keys.get("id")
    if not isinstance(name, str) or not name:
        raise Refused("event: 'id' is missing; every event carries one")
    name = sound(name, "event: 'id'")
    if not isinstance(kind, str) or not kind:
        raise Refused(f"event {name}: 'eventType' (or CloudEvents 'type') is missing")
    fields = keys.get("data")
    if not isinstance(fields, Mapping | None):
        raise Refused(f"event {name}: 'data' is {type(fields).__name__}, an object is expected")
    return Event(
        name,
        sound(kind, f"event {name}: the type"),
        _named(name, keys, "topic", "source"),
        _named(name, keys, "subject"),
        moment(keys.get("eventtime") or keys.get("time"), f"event {name}"),
        lowered(fields or {}),
    )


def sound(text: str, what: str) -> str:
    """Return a text that every store keeps: bounded, no control characters, no half pairs."""
    if len(text) > LONGEST:
        raise Refused(f"{what} has {len(text)} characters, {LONGEST} at most")
    if _UNSOUND.search(text):
        raise Refused(f"{what} has control characters or half a surrogate pair")
    return text


def lowered(document: Mapping[object, object]) -> dict[str, object]:
    """Return the fields by lower-case name; of two spellings the one that has a value counts."""
    found: dict[str, object] = {}
    for key, value in document.items():
        name = str(key).lower()
        found[name] = value if value is not None else found.get(name)
    return found


def _named(name: str, keys: Mapping[str, object], *found: str) -> str:
    value = next((keys[key] for key in found if keys.get(key) is not None), "")
    if not isinstance(value, str):
        raise Refused(f"event {name}: '{found[0]}' is {type(value).__name__}, text is expected")
    return sound(value, f"event {name}: '{found[0]}'")


def moment(value: object, where: str) -> datetime | None:
    """Read an instant of ISO 8601, one of UTC where it names no zone; None where there is none."""
    if value is None:
        return None
    try:
        if not isinstance(value, str):
            raise TypeError("an instant is text")
        read = datetime.fromisoformat(value)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise Refused(f"{where}: the time {_shown(value)} is not an ISO 8601 instant") from None


def _shown(value: object) -> str:
    return cut(repr(value), MOST_SHOWN)
