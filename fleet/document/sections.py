"""The sections of fleet.yaml by entry: a faulty entry does not hide the faults of another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from fleet.document.policies import ModelPolicy
from fleet.document.receivers import Receiver
from monitoring.alerts.group import Policy as TeamPolicy
from monitoring.calendars import Policy as CalendarPolicy

T = TypeVar("T")
#: Where state is kept by default.
STORE = "local:var"
SECTIONS = ("teams", "calendars", "receivers", "models")


@dataclass(frozen=True)
class Sections:
    """The store and the valid entries of a document by section, and the names of all entries."""

    store: str | None
    teams: Mapping[str, TeamPolicy]
    calendars: Mapping[str, CalendarPolicy]
    receivers: Mapping[str, Receiver]
    models: Mapping[str, ModelPolicy]
    named: Mapping[str, frozenset[str]]

    def names(self, section: str) -> frozenset[str]:
        """Return the names of a section's entries, the faulty ones included."""
        return self.named[section]


def sections(value: Mapping[str, object]) -> Sections:
    """Return the entries of a document that are valid each for itself."""
    store = value.get("store", STORE)
    raw = {name: _mapping(value.get(name)) for name in SECTIONS}
    return Sections(
        store if isinstance(store, str) else None,
        _valid(raw["teams"], TypeAdapter(TeamPolicy)),
        _valid(raw["calendars"], TypeAdapter(CalendarPolicy)),
        _valid(raw["receivers"], TypeAdapter(Receiver)),
        _valid(raw["models"], TypeAdapter(ModelPolicy)),
        {name: frozenset(entries) for name, entries in raw.items()},
    )


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _valid(raw: Mapping[str, Any], adapter: TypeAdapter[T]) -> dict[str, T]:
    found = {}
    for name, entry in raw.items():
        try:
            found[name] = adapter.validate_python(entry)
        except ValidationError:
            continue
    return found
