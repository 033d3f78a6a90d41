"""Whoever heard that something fires hears that it ended, whatever happens in between."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import Refused
from monitoring.alerts.lifecycle import Kind, Severity
from monitoring.alerts.paging import Event, Page
from monitoring.alerts.routing import (
    Acknowledge,
    Delivered,
    Fact,
    OnCall,
    Policy,
    Silence,
    Undelivered,
    Unsilence,
    step,
)
from tests.unit.monitoring.alerts.timeline import MINUTE, T0, fire, over

POLICY = Policy(page=("first", "second", "third"), ticket=("queue", "third"))
OPEN = (Event.FIRING, Event.REMINDER, Event.ESCALATED)
MODELS, KINDS = ("churn", "rides"), (Kind.DRIFT, Kind.QUALITY)


@dataclass
class Letter:
    """A page that waits to be delivered; `report`: its receiver was down when it was sent."""

    page: Page
    report: bool
    attempts: int = 0


@dataclass
class Town:
    """A team's partition, and receivers that come and go; lanes keep their order."""

    state: OnCall = field(default_factory=lambda: OnCall("ml"))
    minute: float = 0
    waiting: list[Letter] = field(default_factory=list)
    down: dict[str, bool] = field(default_factory=dict)
    heard: dict[tuple[str, str], Event] = field(default_factory=dict)
    firing: dict[tuple[str, Kind], int] = field(default_factory=dict)
    count: int = 0

    def tell(self, *facts: Fact) -> None:
        try:
            done = step(self.state, facts, POLICY, T0 + self.minute * MINUTE)
        except Refused:
            return
        self.state = done.state
        pages = [one for one in done.effects if isinstance(one, Page)]
        self.waiting += [Letter(page, page.receiver in done.state.receivers) for page in pages]

    def deliver(self) -> None:
        """Try the first letter of every lane once, and all behind it if it gets through."""
        closed: set[tuple[str, str]] = set()
        for letter in list(self.waiting):
            page = letter.page
            lane = (page.receiver, page.incident)
            if lane in closed:
                continue
            refuses = self.down.get(page.receiver)
            if refuses is None:
                self.heard[lane] = page.event
                self.waiting.remove(letter)
                if letter.attempts or letter.report:
                    self.tell(Delivered(*lane))
            elif refuses:
                self.waiting.remove(letter)
                self.tell(Undelivered(page, "HTTP 404", permanent=True))
            else:
                closed.add(lane)
                letter.attempts += 1
                if letter.attempts == 1:
                    self.tell(Undelivered(page, "HTTP 503"))

    def do(self, what: str, which: int, model: str, kind: Kind) -> None:
        """Let one thing happen, and some minutes pass."""
        self.count += 1
        receiver = ("first", "second", "third", "queue")[which]
        minute = int(self.minute)
        match what:
            case "fire" | "ticket":
                severity = Severity.PAGE if what == "fire" else Severity.TICKET
                number = self.firing.setdefault((model, kind), self.count)
                self.tell(fire(model, minute, kind, number, severity, n=self.count))
            case "over" if (model, kind) in self.firing:
                self.tell(over(model, minute, kind, self.firing.pop((model, kind))))
            case "silence":
                until = T0 + (self.minute + 30 * (which + 1)) * MINUTE
                self.tell(Silence(f"s{which}", "kim", "known", until, model=model))
            case "unsilence":
                self.tell(Unsilence(f"s{which}", "kim"))
            case "ack" if (model, kind) in self.firing:
                self.tell(Acknowledge(f"{model}:{kind}-{self.firing[model, kind]}", "kim"))
            case "fails" | "refuses":
                self.down[receiver] = what == "refuses"
            case "up":
                self.down.pop(receiver, None)
        self.deliver()

    def wait(self, minutes: float) -> None:
        self.minute += minutes
        self.tell()
        self.deliver()


WORDS = ("fire", "fire", "ticket", "over", "over", "silence", "unsilence", "ack", "fails")
HAPPENINGS = st.lists(
    st.tuples(
        st.sampled_from((*WORDS, "refuses", "up")),
        st.integers(0, 3),
        st.sampled_from(MODELS),
        st.sampled_from(KINDS),
        st.sampled_from((0, 1, 3, 45)),
    ),
    max_size=25,
)


def ends(happenings: list[tuple[str, int, str, Kind, int]]) -> Town:
    """Let things happen; then every alert ends, every receiver is up, and some hours pass."""
    town = Town()
    for what, which, model, kind, minutes in happenings:
        town.do(what, which, model, kind)
        town.wait(minutes)
    for model, kind in list(town.firing):
        town.do("over", 0, model, kind)
    town.down.clear()
    for _ in range(10):
        town.wait(31)
    return town


def check(town: Town) -> None:
    assert town.waiting == []
    assert {lane for lane, event in town.heard.items() if event in OPEN} == set()
    assert town.state.receivers == {}
    assert not [name for name, entry in town.state.alerts.items() if entry.firing]


@settings(deadline=None, max_examples=25)
@given(HAPPENINGS)
def test_everybody_who_heard_of_an_incident_hears_its_end(
    happenings: list[tuple[str, int, str, Kind, int]],
) -> None:
    check(ends(happenings))


@pytest.mark.slow
@settings(deadline=None, max_examples=2000)
@given(HAPPENINGS)
def test_everybody_who_heard_of_an_incident_hears_its_end_in_many_more(
    happenings: list[tuple[str, int, str, Kind, int]],
) -> None:
    check(ends(happenings))
