"""The offline gate on real rows: which are used, how they are cut, and what none of them means."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from engine.errors import Refused
from fleet.document.policies import Fleet
from fleet.model.tasks import Gate
from fleet.ports import World
from fleet.work import rows
from fleet.work.gating import gate_version
from retrain.gate import Need, Verdict
from retrain.ports import ModelCard

Make = Callable[..., pa.Table]
LABEL = [1.0, 0.0] * 10


def day(make: Make, number: int, **more: Any) -> pa.Table:
    ids = [f"{number}-{i}" for i in range(20)]
    start = datetime(2024, 3, number, 8, tzinfo=UTC)
    plain = {"label": LABEL, "kind": ["a", "a", "b", "b"] * 5}
    return make(ids, start, **{**plain, **more})


def towards(share: float) -> Callable[[pa.Table], list[float]]:
    """A version that goes a share of the way from a half to the label."""
    return lambda table: [0.5 + share * (label - 0.5) for label in table["label"].to_pylist()]


@pytest.fixture
def ready(world: World) -> World:
    world.scoring.functions |= {"v1": towards(0.1), "v2": towards(0.4)}  # type: ignore[attr-defined]
    return world


def gate(world: World, fleet: Fleet, *days: tuple[str, pa.Table], need: Need = Need()) -> Any:  # noqa: B008
    kept = tuple((name, rows.put(world.blobs, table)) for name, table in days)
    effect = Gate("demand-run-1", "v2", "v1", kept, kept, need)
    return gate_version(world, fleet.models["demand"], effect)


def three(make: Make) -> list[tuple[str, pa.Table]]:
    return [(f"2024-03-0{n}", day(make, n)) for n in (1, 2, 3)]


def test_a_better_version_passes_on_later_days(ready: World, fleet: Fleet, rows_of: Make) -> None:
    found = gate(ready, fleet, *three(rows_of))
    assert (found.id, found.version) == ("demand-run-1", "v2")
    assert found.decision.verdict is Verdict.passed
    # Every row: challenger 0.3², champion 0.45².
    assert found.decision.paired.mean == pytest.approx(0.09 - 0.2025)
    assert (found.decision.paired.days, found.decision.paired.rows) == (3, 60)
    assert found.bad_rate == 0.0
    usual = rows.get(ready.blobs, found.scores)
    assert usual.column_names == ["score", "label", "time"]
    assert usual["score"].to_pylist() == pytest.approx([0.7, 0.3] * 30)


def test_a_worse_version_fails(ready: World, fleet: Fleet, rows_of: Make) -> None:
    ready.scoring.functions["v2"] = towards(-0.4)  # type: ignore[attr-defined]
    assert gate(ready, fleet, *three(rows_of)).decision.verdict is Verdict.failed


def test_days_of_its_own_training_are_no_evidence(
    ready: World, fleet: Fleet, rows_of: Make
) -> None:
    card = ModelCard("demand", "v2", ("x",), "2024-02-01", "2024-03-01")
    ready.registry.cards["v2"] = card  # type: ignore[attr-defined]
    found = gate(ready, fleet, *three(rows_of))
    assert (found.decision.paired.days, found.decision.paired.rows) == (2, 40)
    assert found.label_rate == 0.5


def test_no_rows_are_inconclusive_and_no_pass(ready: World, fleet: Fleet, rows_of: Make) -> None:
    for days in ([], three(rows_of)):
        card = ModelCard("demand", "v2", ("x",), "2024-02-01", "2024-03-09")
        ready.registry.cards["v2"] = card  # type: ignore[attr-defined]
        found = gate(ready, fleet, *days, need=Need(asked_by="an operator"))
        assert found.decision.verdict is Verdict.inconclusive
        assert found.bad_rate is None


def test_rows_without_labels_are_left_out(ready: World, fleet: Fleet, rows_of: Make) -> None:
    days = three(rows_of)
    unlabelled = pa.array([None] * 20, pa.float64())
    days.append(("2024-03-04", day(rows_of, 4, label=unlabelled)))
    assert gate(ready, fleet, *days).decision.paired.rows == 60


def test_the_rows_that_a_version_came_with_go_before_logged_ones(
    ready: World, fleet: Fleet, rows_of: Make
) -> None:
    own = pa.concat_tables([day(rows_of, 10), day(rows_of, 11)])
    ready.scoring.held_out["v2"] = own  # type: ignore[attr-defined]
    found = gate(ready, fleet, *three(rows_of))
    assert (found.decision.paired.days, found.decision.paired.rows) == (2, 40)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"label": ["yes", "no"] * 10}, "column 'label': the labels are 'no' and 'yes'"),
        ({"time": ["soon"] * 20}, "column 'time', row 1: 'soon' is not an ISO 8601 instant"),
    ],
)
def test_rows_that_a_version_came_with_are_held_to_what_rows_are(
    ready: World, fleet: Fleet, rows_of: Make, change: dict[str, Any], said: str
) -> None:
    own = day(rows_of, 3)
    for name, values in change.items():
        own = own.set_column(own.column_names.index(name), name, pa.array(values))
    ready.scoring.held_out["v2"] = own  # type: ignore[attr-defined]
    with pytest.raises(Refused) as refused:
        gate(ready, fleet)
    assert str(refused.value).startswith(f"demand v2: evaluation rows: {said}")


def test_a_version_that_cannot_be_scored_is_refused(
    ready: World, fleet: Fleet, rows_of: Make
) -> None:
    del ready.scoring.functions["v2"]  # type: ignore[attr-defined]
    with pytest.raises(Refused, match="v2: not in the registry"):
        gate(ready, fleet, *three(rows_of))


def test_one_segment_that_is_surely_worse_fails_the_gate(
    ready: World, fleet: Fleet, rows_of: Make
) -> None:
    def lopsided(table: pa.Table) -> list[float]:
        pairs = zip(table["label"].to_pylist(), table["kind"].to_pylist(), strict=True)
        return [0.5 + (0.9 if kind == "a" else -0.2) * (label - 0.5) for label, kind in pairs]

    ready.scoring.functions["v2"] = lopsided  # type: ignore[attr-defined]
    days = [(f"2024-03-{n:02}", day(rows_of, n)) for n in range(1, 9)]
    found = gate(ready, fleet, *days).decision
    assert (found.verdict, found.worst_segment) == (Verdict.failed, "b")


def test_large_losses_of_the_champion_are_its_usual_rate(
    ready: World, fleet: Fleet, rows_of: Make
) -> None:
    """At -0.8 every score is 0.9 away from its label: all losses are 0.81, over 0.64."""
    ready.scoring.functions["v1"] = towards(-0.8)  # type: ignore[attr-defined]
    assert gate(ready, fleet, *three(rows_of)).bad_rate == 1.0


def test_days_are_those_of_the_business_zone(ready: World, fleet: Fleet, rows_of: Make) -> None:
    late = datetime(2024, 3, 1, 22, 50, tzinfo=UTC)  # ten minutes before Berlin's midnight
    ids = [f"n{i}" for i in range(20)]
    one = rows_of(ids, late, label=LABEL, kind=["a"] * 20)
    found = gate(ready, fleet, ("2024-03-01", one)).decision
    assert found.paired.days == 2
    assert one["time"][19].as_py() - late == timedelta(minutes=19)


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (1.5, "outside 0…1, the first is 1.5 in row 3"),
        (-0.1, "outside 0…1, the first is -0.1 in row 3"),
        (float("nan"), "not finite numbers, the first is nan in row 3"),
        (float("inf"), "not finite numbers, the first is inf in row 3"),
        (35.0, "outside 0…1, the first is 35 in row 3"),
    ],
)
def test_scores_that_are_no_probabilities_end_the_gate_with_their_number(
    ready: World, fleet: Fleet, rows_of: Make, version: str, wrong: float, said: str
) -> None:
    def scored(table: pa.Table) -> list[float]:
        return [0.5, 0.5, wrong, *[0.5] * (table.num_rows - 3)]

    ready.scoring.functions[version] = scored  # type: ignore[attr-defined]
    with pytest.raises(Refused) as refused:
        gate(ready, fleet, *three(rows_of))
    told = f"held-out rows: scored by demand {version}: 1 of 60 scores are {said}"
    assert str(refused.value).startswith(told)
