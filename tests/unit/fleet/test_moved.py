"""Models that change their team, or leave fleet.yaml, while they alert: somebody always knows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from engine.errors import Broken
from engine.step import Delivery
from engine.store import instant
from fleet.document.policies import Fleet
from fleet.model.facts import Asked
from tests.unit.fleet.desk import NOW, Desk

SHOP = "  shop: {page: [duty], group_wait: PT0S}"
TERMINAL = "  duty: {kind: terminal}"
#: `fraud` is of a team of its own: it alerts, too, and would keep the group of its team open.
TEAMS = (
    (TERMINAL, f"{TERMINAL}\n  night: {{kind: terminal}}\n  lab: {{kind: terminal}}"),
    (
        SHOP,
        f"{SHOP}\n  ops: {{page: [night], group_wait: PT0S}}\n"
        "  lab: {page: [lab], group_wait: PT0S}",
    ),
)
APART = ("fraud:\n    team: shop", "fraud:\n    team: lab")
MOVED = ("demand:\n    team: shop", "demand:\n    team: ops")
ALERT = "demand:refused-build-reference-1"


@pytest.fixture
def fleets(resolve: Callable[..., Fleet]) -> dict[str, Fleet]:
    """`demand` of team shop, of team ops, without it, and with team shop renamed."""
    both = resolve(*TEAMS, APART)
    others = {name: one for name, one in both.models.items() if name != "demand"}
    renamed = resolve(
        *TEAMS, APART, ("  shop: {page", "  store: {page"), ("team: shop", "team: store")
    )
    return {
        "shop": both,
        "ops": resolve(*TEAMS, APART, MOVED),
        "gone": Fleet(others, both.teams),
        "store": renamed,
    }


def becomes(desk: Desk, fleet: Fleet) -> None:
    """Start the app again with another fleet.yaml, some time later."""
    desk.clock.moment += timedelta(minutes=10)
    desk.service = desk.opened(fleet)
    desk.service.begin()
    desk.settle()


def told(desk: Desk, alert: str = ALERT) -> list[tuple[str, str]]:
    """Who was told what of the alert."""
    asked = desk.world.pager.asked  # type: ignore[attr-defined]
    sent = [page for what, page, *_ in asked if what == "page" and alert in page.alerts]
    return [(page.receiver, str(page.event)) for page in sent]


def firing(desk: Desk, fleet: Fleet) -> None:
    """Let `demand` alert."""
    becomes(desk, fleet)
    desk.command("reference", "demand", data="nothing.parquet")
    assert told(desk) == [("duty", "firing")]


def end(desk: Desk) -> None:
    """Let the alert end: it is news for a day, and quiet for another one."""
    for _ in range(5):
        desk.clock.moment += timedelta(hours=13)
        desk.service.tick()
        desk.settle()


FIRING, OVER = ("duty", "firing"), ("duty", "resolved")
WALKS: dict[str, tuple[tuple[str, ...], list[tuple[str, str]]]] = {
    "another team": (("ops",), [FIRING, OVER, ("night", "firing")]),
    "no model": (("gone",), [FIRING, OVER]),
    "another team and back": (("ops", "shop"), [FIRING, OVER, ("night", "firing"),
                                                FIRING, ("night", "resolved")]),
    "no model and back": (("gone", "shop"), [FIRING, OVER, FIRING]),
    "no model and another team": (("gone", "ops"), [FIRING, OVER, ("night", "firing")]),
    "another name of the team": (("store",), [FIRING, FIRING]),
    "nothing": (("shop", "shop"), [FIRING]),
}  # fmt: skip


@pytest.mark.parametrize(("walk", "expected"), WALKS.values(), ids=WALKS)
def test_the_old_team_hears_the_end_and_the_new_one_the_alert(
    desk: Desk, fleets: dict[str, Fleet], walk: tuple[str, ...], expected: list[tuple[str, str]]
) -> None:
    firing(desk, fleets["shop"])
    for name in walk:
        becomes(desk, fleets[name])
    assert sorted(told(desk)) == sorted(expected)
    if walk[-1] != "gone":
        end(desk)
        last = "night" if walk[-1] == "ops" else "duty"
        assert told(desk)[-1] == (last, "resolved")
    assert not any(desk.service.loop.head(one).halted for one in desk.store.partitions())


def test_a_changed_policy_alone_tells_nobody_again(
    desk: Desk, fleets: dict[str, Fleet], resolve: Callable[..., Fleet]
) -> None:
    firing(desk, fleets["shop"])
    desk.command("ack", ALERT, "c9")
    becomes(desk, resolve(*TEAMS, APART, ("slow_ms: 100", "slow_ms: 200")))
    assert told(desk) == [FIRING, ("duty", "acknowledged")]
    (alert,) = [one for one in desk.service.read("alerts") if one["id"] == ALERT]
    assert (alert["firing"], alert["acknowledged_by"]) == (True, "g.hopper")


def test_the_next_message_of_a_group_says_which_alert_left(
    desk: Desk, fleets: dict[str, Fleet], resolve: Callable[..., Fleet]
) -> None:
    both = resolve(*TEAMS)
    firing(desk, both)
    becomes(desk, Fleet({"fraud": both.models["fraud"]}, both.teams))
    end(desk)
    asked = desk.world.pager.asked  # type: ignore[attr-defined]
    ended = [page.event for what, page, *_ in asked if what == "page" and ALERT in page.ended]
    assert ended == ["reminder"]


@pytest.mark.parametrize(
    ("chain", "expected"),
    [
        ("[night]", [FIRING, ("night", "escalated")]),
        ("[night, lab]", [FIRING, ("night", "escalated"), ("lab", "escalated")]),
        ("[duty, lab]", [FIRING, ("lab", "escalated")]),
        ("[lab, duty]", [FIRING]),
        ("[lab, duty, night]", [FIRING, ("night", "escalated")]),
    ],
)
def test_a_page_whose_receiver_was_renamed_or_got_a_successor_goes_on(
    desk: Desk, resolve: Callable[..., Fleet], chain: str, expected: list[tuple[str, str]]
) -> None:
    becomes(desk, resolve(*TEAMS, APART))
    desk.notify()
    becomes(desk, resolve(*TEAMS, APART, ("shop: {page: [duty]", f"shop: {{page: {chain}")))
    for _ in range(3):
        desk.clock.moment += timedelta(minutes=30)
        desk.service.tick()
        desk.settle()
    assert told(desk, "demand:drift-1") == expected


def test_the_new_team_of_a_halted_model_is_paged(
    desk: Desk, fleets: dict[str, Fleet], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*words: Any) -> None:
        raise Broken("a defect")

    becomes(desk, fleets["shop"])
    with monkeypatch.context() as defect:
        defect.setattr("fleet.model.step.step", broken)
        fact = Asked("freeze", "a.turing", "", "c0", "demand", NOW)
        desk.service.loop.deliver(Delivery("demand", "one", fact), desk.clock.moment)
        with pytest.raises(Broken):
            desk.service.drain("demand")
    desk.settle()
    halted_at = desk.service.loop.head("demand").halted_at
    assert halted_at is not None
    halt = f"demand:halted-{instant(halted_at)}"
    assert told(desk, halt) == [FIRING]
    becomes(desk, fleets["ops"])
    assert sorted(told(desk, halt)) == [FIRING, OVER, ("night", "firing")]
