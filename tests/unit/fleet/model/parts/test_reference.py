"""Another reference: asked for, built, taken over, journalled, or refused aloud."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fleet.model.effects import EFFECTS
from fleet.model.facts import FACTS, Asked, Configured, Declined
from fleet.model.results import Referenced
from fleet.model.tasks import BuildReference

DAYS = ("2024-02-20", "2024-03-01")


@pytest.fixture
def known(story: Any) -> Any:
    return story.begin()


def ask(**fields: Any) -> Asked:
    return Asked("reference", "g.hopper", "a new supplier", "c1", "demand", **fields)


def made(**fields: Any) -> Referenced:
    plain: dict[str, Any] = {"by": "g.hopper", "reason": "a new supplier"}
    return Referenced("v1", "ref-2", DAYS, 200, "scores-2", **{**plain, **fields})


def test_days_that_are_known_become_a_reference(known: Any) -> None:
    known.tell(ask(days=DAYS))
    (build,) = known.owed(BuildReference)
    assert [day for day, _, _ in build.days] == [f"2024-02-{n}" for n in range(20, 30)] + [DAYS[1]]
    assert build.days[0] == (DAYS[0], f"sketch-{DAYS[0]}", f"rows-{DAYS[0]}")
    assert (build.version, build.ruler, build.scores) == ("v1", "ref", "scores-v1")
    assert (build.by, build.reason, build.data) == ("g.hopper", "a new supplier", "")
    assert EFFECTS.decode(EFFECTS.encode(build)) == build
    known.tell(ask(days=DAYS))
    assert known.said("command")[-1]["verb"] == "reference"


def test_two_requests_are_two_effects(known: Any) -> None:
    known.tell(ask(data="a.parquet"))
    known.tell(Asked("reference", "g.hopper", "mended", "c2", "demand", data="a.parquet"))
    assert len({build.key for build in known.ever(BuildReference)}) == len(
        known.ever(BuildReference)
    )


def test_what_it_replaces_and_who_and_why_are_journalled(known: Any) -> None:
    past, trained = known.state.windows.past, known.state.training.trigger
    told = made(note="a sample")
    assert FACTS.decode(FACTS.encode(told)) == told
    known.tell(told)
    assert known.state.windows.reference == "ref-2"
    assert known.state.promotion.scores == {"v1": "scores-2"}
    # A reference is not what a version was trained on, nor a day that was served.
    assert (known.state.windows.past, known.state.training.trigger) == (past, trained)
    assert known.said("reference")[-1] == {
        "what": "reference", "version": "v1", "reference": "ref-2", "days": 2, "rows": 200,
        "before": "ref", "by": "g.hopper", "reason": "a new supplier",
        "first": DAYS[0], "last": DAYS[1], "note": "a sample",
    }  # fmt: skip


def test_the_usual_scores_stay_where_there_are_no_others(known: Any) -> None:
    known.tell(Referenced("v1", "ref-2", DAYS, 200, "", by="x", reason="y"))
    assert known.state.promotion.scores == {"v1": "scores-v1"}


def test_days_that_nobody_knows_are_refused_aloud(known: Any) -> None:
    known.tell(ask(days=("2023-01-01", "2023-02-01")))
    assert known.owed(BuildReference) == []
    assert known.said("refused")[-1] == {
        "what": "refused", "id": "c1",
        "reason": "no day from 2023-01-01 to 2023-02-01 has counts",
    }  # fmt: skip


def test_a_model_that_has_not_begun_has_nothing_to_be_referred_to(story: Any) -> None:
    story.tell(ask(data="a.parquet"))
    assert story.effects == []
    assert story.said("refused")[-1]["reason"] == "no version serves yet"


def test_one_that_comes_after_a_promotion_is_refused_aloud(known: Any) -> None:
    known.tell(Referenced("v0", "ref-2", DAYS, 200, by="g.hopper", reason="r"))
    assert known.state.windows.reference == "ref"
    assert known.said("refused")[-1]["reason"] == (
        "the reference was made for v0, and v1 serves now; g.hopper may ask again"
    )


def test_other_bins_never_replace_those_that_windows_were_counted_with(known: Any) -> None:
    known.tell(made(past={DAYS[0]: ("s", "r", 100, 100)}))
    assert known.state.windows.reference == "ref"
    assert "another first reference" in known.said("refused")[-1]["reason"]


def refused_first(story: Any) -> Any:
    story.tell(Configured(story.watched.hash))
    (owed,) = story.owed(BuildReference)
    return story.tell(Declined("build_reference", owed.key, "reference.parquet: no such file"))


def test_a_first_reference_that_was_refused_is_asked_for_again_the_next_day(story: Any) -> None:
    at = refused_first(story).now
    assert story.owed(BuildReference) == []
    story.tell(at=at + timedelta(hours=23))
    assert story.owed(BuildReference) == []
    assert story.wake_at == at + timedelta(days=1)
    story.tell(at=at + timedelta(days=1))
    assert len(story.owed(BuildReference)) == 1
    story.tell(Referenced("v1", "ref", DAYS, 100, "scores"))
    story.tell(at=at + timedelta(days=3))
    assert len(story.ever(BuildReference)) == 2


def test_a_changed_fleet_yaml_asks_for_it_at_once(story: Any) -> None:
    refused_first(story)
    story.tell(Configured("c0ffee"))
    assert len(story.owed(BuildReference)) == 1
    story.tell(Configured("c0ffee"))
    assert story.owed(BuildReference) == []


def test_a_refused_reference_of_an_operator_is_not_asked_for_again(known: Any) -> None:
    known.tell(ask(days=DAYS))
    (owed,) = known.owed(BuildReference)
    known.tell(Declined("build_reference", owed.key, "no such file"))
    assert known.state.windows.reference_again is None
