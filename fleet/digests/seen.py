"""What a digest tells of, gathered from journal lines and states; and the text that it becomes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.texts import cut, visible

#: Most entries of a section that are listed, and most characters of one.
LISTED, LONGEST = 10, 300
#: Sections of things that happened, by their names in the title: of one, and of several.
HAPPENED = {
    "fired": ("alert fired", "alerts fired"),
    "resolved": ("alert resolved", "alerts resolved"),
    "promoted": ("promotion", "promotions"),
    "rolled_back": ("rollback", "rollbacks"),
    "stopped": ("rollout stopped", "rollouts stopped"),
    "trained": ("retraining", "retrainings"),
    "held": ("held by the calendar", "held by the calendar"),
    "changed": ("reported change", "reported changes"),
}
STANDING = {
    "budgets": "error budgets",
    "tickets": "open alerts, the oldest first",
    "unread": "not read",
}


@dataclass
class Seen:
    """Entries by section, each a line; `models` is how many models there are."""

    models: int = 0
    sections: dict[str, list[str]] = field(default_factory=dict)

    def add(self, section: str, text: str) -> None:
        """Add an entry, unless the section has it already."""
        entries = self.sections.setdefault(section, [])
        if text not in entries:
            entries.append(text)

    def summary(self) -> str:
        """Say in some words how much happened."""
        counted = {name: len(self.sections.get(name, ())) for name in HAPPENED}
        said = [
            f"{number} {HAPPENED[name][number > 1]}" for name, number in counted.items() if number
        ]
        return ", ".join(said) or "nothing happened"

    def lines(self) -> Iterator[str]:
        """Yield the lines below the title; one where there is nothing to tell."""
        models = f"{self.models} model{'' if self.models == 1 else 's'}"
        if not self.models:
            yield "the team has no models"
        elif not any(self.sections.get(name) for name in HAPPENED):
            yield f"nothing happened to {models}, and no change was reported"
        for name, heading in self._headings():
            entries = self.sections.get(name, [])
            if entries:
                yield f"{heading}:"
                yield from (f"  {visible(cut(entry, LONGEST))}" for entry in entries[:LISTED])
            if len(entries) > LISTED:
                yield f"  and {len(entries) - LISTED} more"

    def _headings(self) -> Iterator[tuple[str, str]]:
        for name, (_, many) in HAPPENED.items():
            yield name, f"{many} ({len(self.sections.get(name, ()))})"
        yield from STANDING.items()
