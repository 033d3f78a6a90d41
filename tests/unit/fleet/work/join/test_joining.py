"""A window's labels beside what was predicted: who served it, what it cost, what explains it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fleet.document.policies import Fleet
from fleet.model.records import DayPair, LossCount
from fleet.model.results import Joined
from fleet.model.tasks import Join
from fleet.ports import World
from fleet.work import rows
from fleet.work.join.joining import join_window
from fleet.work.refer import usual_scores
from monitoring.finding import Finding
from monitoring.performance import Verdict as Health
from retrain.ports import ModelCard

Make = Callable[..., pa.Table]
STARTS, ENDS = (datetime(2024, 3, day, 23, tzinfo=UTC) for day in (3, 4))
IDS = [f"r{i}" for i in range(8)]
LABEL = [1.0, 0.0] * 4


def finding(joined: Joined, key: str) -> Finding:
    """The one finding of a signal."""
    (found,) = (one for one in joined.findings if one.key == key)
    return found


class Window:
    """Keeps tables as blobs and asks for their join."""

    def __init__(self, world: World, fleet: Fleet, make: Make) -> None:
        self.world, self.watched, self.make = world, fleet.models["demand"], make
        self.usual = self.put(
            make([f"u{i}" for i in range(40)], score=[0.5] * 40, label=[1.0, 0.0] * 20)
        )

    def put(self, table: pa.Table) -> str:
        return rows.put(self.world.blobs, table)

    def scores(
        self, version: str, scores: Sequence[float] | np.ndarray, ids: Sequence[str] = IDS
    ) -> Any:
        return version, self.put(self.make(ids, score=scores))

    def labels(
        self, label: Sequence[float | None] | np.ndarray, ids: Sequence[str] = IDS, **more: Any
    ) -> str:
        return self.put(self.make(ids, label=pa.array(label, pa.float64()), **more))

    def traffic(self, deployments: Sequence[str], ids: Sequence[str] = IDS) -> str:
        plain = self.make(ids, deployment=deployments, status=[200] * len(ids))
        return self.put(plain.drop_columns(["index"]))

    def join(self, **fields: Any) -> Any:
        inputs = fields.pop("inputs", (self.put(self.make(IDS, x=[float(i) for i in range(8)])),))
        plain: dict[str, Any] = {
            "window": "2024-03-04", "of": "o", "inputs": inputs,
            "outputs": (self.scores("v1", [0.5] * 8),), "traffic": (), "names": {},
            "labels": (self.labels(LABEL),), "trailing": (), "champion": "v1",
            "challenger": None, "shadowed": False, "cuts": (), "baseline": "v0",
            "reference": self.usual, "challenger_rate": None, "starts": STARTS, "ends": ENDS,
            "event": None,
        }  # fmt: skip
        return join_window(self.world, self.watched, Join(**{**plain, **fields}))

    def table(self, joined: Any) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = rows.get(self.world.blobs, joined.rows).to_pydict()
        return found


@pytest.fixture
def window(world: World, fleet: Fleet, rows_of: Make) -> Window:
    return Window(world, fleet, rows_of)


def test_every_served_row_stands_once_with_its_label(window: Window) -> None:
    scores = [0.9, 0.2, 0.8, 0.1, 0.7, 0.3, 0.6, 0.4]
    joined = window.join(outputs=(window.scores("v1", scores),))
    found = window.table(joined)
    assert found["correlationid"] == IDS
    assert (found["served"], found["label"]) == (scores, LABEL)
    assert set(found["deployment"]) == {"v1"}
    assert found["x"] == [float(i) for i in range(8)]
    assert (joined.labelled, joined.expected, joined.contradictions) == (8, 8, 0)
    served = joined.scores["served"]
    # Losses 0.01, 0.04, 0.04, 0.01, 0.09, 0.09, 0.16, 0.16 by hand.
    assert served["brier"] == pytest.approx(0.6 / 8)
    assert served["auc"] == 1.0
    assert joined.losses == ()
    assert joined.shadow is None


def test_who_served_is_what_the_traffic_log_says(window: Window) -> None:
    served_by = ["v1", "v2", "v1", "v2", "v1", "v1", "v1", "v1"]
    joined = window.join(
        outputs=(
            window.scores("v1", [0.1, 0.1, 0.1, 0.1, 0.1], [IDS[i] for i in (0, 2, 4, 5, 6)]),
            window.scores("v2", [0.9, 0.8], [IDS[1], IDS[3]]),
            window.scores("v0", [0.5] * 8),
        ),
        traffic=(window.traffic(served_by[:7], IDS[:7]),),
        challenger="v2",
    )
    found = window.table(joined)
    assert found["deployment"] == served_by
    # r7 was served by the champion, which failed: it has no score.
    assert found["served"] == [0.1, 0.9, 0.1, 0.8, 0.1, 0.1, 0.1, None]
    assert found["baseline"] == [0.5] * 8
    assert found["challenger"] == [None, 0.9, None, 0.8, None, None, None, None]


def test_a_deployment_of_another_name_is_known_by_its_version(window: Window) -> None:
    served_by = ["blue", "green"] * 4
    joined = window.join(
        outputs=(window.scores("v1", [0.1] * 8), window.scores("v2", [0.9] * 8)),
        traffic=(window.traffic(served_by),),
        names={"blue": "v1", "green": "v2"},
        challenger="v2",
    )
    found = window.table(joined)
    assert found["deployment"] == ["v1", "v2"] * 4
    assert found["served"] == [0.1, 0.9] * 4


def test_without_a_traffic_log_who_alone_has_a_score_served(window: Window) -> None:
    arms = (
        window.scores("v1", [0.1] * 5, [IDS[i] for i in (0, 2, 4, 5, 6)]),
        window.scores("v2", [0.9, 0.8, 0.7], [IDS[1], IDS[3], IDS[4]]),
    )
    found = window.table(window.join(outputs=arms, challenger="v2"))
    # r4 has both scores and r7 none: nothing says that the champion did not serve them.
    assert found["deployment"] == ["v1", "v2", "v1", "v2", "v1", "v1", "v1", "v1"]
    assert found["served"] == [0.1, 0.9, 0.1, 0.8, 0.1, 0.1, 0.1, None]
    shadowed = window.table(window.join(outputs=arms, challenger="v2", shadowed=True))
    assert set(shadowed["deployment"]) == {"v1"}


def test_a_row_logged_twice_counts_once(window: Window) -> None:
    twice = window.put(window.make([*IDS, "r0"], x=[float(i) for i in range(9)]))
    joined = window.join(
        inputs=(twice, twice),
        outputs=(window.scores("v1", [0.5] * 9, [*IDS, "r0"]),) * 2,
    )
    found = window.table(joined)
    assert found["correlationid"] == IDS
    assert found["x"][0] == 0.0
    assert joined.expected == 8


def test_contradicting_labels_are_counted_and_the_last_stands(window: Window) -> None:
    later = window.put(window.make(["r0", "r1"], ENDS, label=pa.array([0.0, 0.0], pa.float64())))
    joined = window.join(labels=(later, window.labels(LABEL)))
    assert joined.contradictions == 1
    assert window.table(joined)["label"][:2] == [0.0, 0.0]


def test_no_labels_is_insufficient_and_not_healthy(window: Window) -> None:
    joined = window.join(labels=())
    assert (joined.labelled, joined.expected) == (0, 8)
    assert joined.health is Health.INSUFFICIENT
    assert joined.scores["served"]["brier"] is None
    assert window.table(joined)["label"] == [None] * 8


def test_an_arm_that_scored_nothing_is_no_column(window: Window) -> None:
    joined = window.join(challenger="v9")
    assert "challenger" not in window.table(joined)
    assert joined.scores.keys() == {"served"}


def test_outputs_without_inputs_are_joined_all_the_same(window: Window) -> None:
    joined = window.join(inputs=())
    assert (joined.labelled, joined.expected) == (8, 8)


def test_the_shadow_pair_is_summed_over_the_champions_rows(window: Window) -> None:
    """The constant forecast is the label rate of the challenger's training rows, here a half."""
    joined = window.join(
        outputs=(
            window.scores("v1", [0.6] * 8),
            window.scores("v2", [0.8] * 6, IDS[:6]),
        ),
        challenger="v2",
        shadowed=True,
        challenger_rate=0.5,
    )
    # Three labels of each kind: champion (0.16 + 0.36) * 3, challenger (0.04 + 0.64) * 3.
    assert joined.shadow is not None
    assert joined.shadow.rows == 6
    assert joined.shadow.champion == pytest.approx(1.56)
    assert joined.shadow.difference == pytest.approx(2.04 - 1.56)
    assert joined.shadow.constant == pytest.approx(1.5)
    assert isinstance(joined.shadow, DayPair)
    unknown = window.join(
        outputs=(window.scores("v1", [0.6] * 8), window.scores("v2", [0.8] * 8)),
        challenger="v2",
        shadowed=True,
    )
    assert unknown.shadow is not None
    assert unknown.shadow.constant is None
    assert joined.losses == ()


def test_too_few_labels_give_the_rollout_no_evidence(window: Window) -> None:
    few = window.labels([1.0, 0.0, 1.0, None, None, None, None, None])
    both = (window.scores("v1", [0.6] * 8), window.scores("v2", [0.8] * 8))
    plain = {"outputs": both, "challenger": "v2", "labels": (few,)}
    shadowed = window.join(**plain, shadowed=True, challenger_rate=0.5)
    assert (shadowed.labelled, shadowed.shadow) == (3, None)
    assert window.join(**plain, traffic=(window.traffic(["v2"] * 8),)).losses == ()


def test_large_losses_are_counted_by_arm_and_cut_where_weights_change(window: Window) -> None:
    """`bad_loss` is 0.64: a score of 0.9 for a 0 is large (0.81), 0.7 is not (0.49)."""
    served_by = ["v1", "v2"] * 4
    scores = [0.05, 0.9, 0.1, 0.7, 0.9, 0.9, 0.9, 0.1]
    ours, theirs = ([i for i in range(8) if served_by[i] == v] for v in ("v2", "v1"))
    first = window.make(IDS)["time"][0].as_py()
    cut = first + timedelta(minutes=4)
    joined = window.join(
        outputs=(
            window.scores("v1", [scores[i] for i in theirs], [IDS[i] for i in theirs]),
            window.scores("v2", [scores[i] for i in ours], [IDS[i] for i in ours]),
        ),
        traffic=(window.traffic(served_by),),
        challenger="v2",
        cuts=(STARTS - timedelta(days=1), cut, ENDS),
    )
    # Labels 1 0 1 0 | 1 0 1 0. Before the cut v1 misses r0 and r2, v2 misses r1; after it v2 r5.
    assert joined.losses == (
        LossCount(2, 2, 1, 2, STARTS, cut),
        LossCount(2, 2, 1, 0, cut, ENDS),
    )


def day_of_rows(window: Window, name: str, start: datetime, served: float) -> str:
    """A joined day of twenty rows, half of them 1, all predicted alike."""
    ids = [f"{name}-{i}" for i in range(20)]
    table = window.make(ids, start, served=[served] * 20, label=[1.0, 0.0] * 10)
    return window.put(table)


@pytest.fixture
def trailing(window: Window) -> Callable[[str | None], tuple[Any, ...]]:
    def made(event: str | None) -> tuple[Any, ...]:
        found = []
        for back in (2, 1):
            at = STARTS + timedelta(hours=5) - timedelta(days=back)
            # The mean label is a half; 0.9 is far too high, and a little less so on one day.
            name = day_of_rows(window, f"d{back}", at, 0.9 - 0.01 * back)
            found.append((f"2024-03-0{4 - back}", name, event))
        return tuple(found)

    return made


def test_trailing_days_are_judged_together(window: Window, trailing: Any) -> None:
    joined = window.join(trailing=trailing(None))
    assert joined.health is Health.DEGRADED
    assert "calibration gap" in joined.reason
    assert joined.explained_by is None
    # Twenty rows at 0.88 and at 0.89, eight at a half; the mean label is a half.
    assert joined.rolling["calibration_gap"] == pytest.approx(39.4 / 48 - 0.5)


def test_a_degradation_that_is_an_events_alone_is_explained(window: Window, trailing: Any) -> None:
    joined = window.join(trailing=trailing("strike"))
    assert (joined.health, joined.explained_by) == (Health.DEGRADED, "strike")


def test_a_degradation_that_other_days_show_too_is_not_explained(
    window: Window, trailing: Any
) -> None:
    outputs = (window.scores("v1", [0.9] * 8),)
    (first, name, _), second = trailing(None)
    joined = window.join(trailing=((first, name, "strike"), second), outputs=outputs)
    assert (joined.health, joined.explained_by) == (Health.DEGRADED, None)


def test_rows_logged_again_are_counted(window: Window) -> None:
    often = [*IDS * 12, "r0", "r1"]
    many = window.put(window.make(often, x=[float(i) for i in range(len(often))]))
    told = finding(window.join(inputs=(many,)), "repeated")
    assert told.active
    assert told.reason.startswith(f"{11 * len(IDS) + 2} of {len(often)} rows of ")
    assert finding(window.join(), "repeated").active is False


def numbers(fleet: Any) -> Any:
    return fleet(
        ("rolling_days: 3", "task: regression, rolling_days: 3"),
        ("labels: {wait: P3D", "labels: {bad_loss: 100, wait: P3D"),
    )


def test_a_regressions_day_is_joined_and_judged(world: World, resolve: Any, rows_of: Make) -> None:
    window = Window(world, numbers(resolve), rows_of)
    rng = np.random.default_rng(3)
    many = [f"m{i}" for i in range(60)]
    label = rng.normal(40, 10, 60)
    joined = window.join(
        inputs=(window.put(window.make(many, x=label)),),
        outputs=(window.scores("v1", label + 5, many),),
        labels=(window.labels(label, many),),
        trailing=tuple(
            (day, window.put(window.make(many, at, served=label + off, label=label)), None)
            for day, off, at in (
                ("2024-03-02", 5.2, STARTS - timedelta(days=1, hours=10)),
                ("2024-03-03", 4.8, STARTS - timedelta(hours=10)),
            )
        ),
    )
    assert joined.scores["served"] == {
        "mae": pytest.approx(5),
        "rmse": pytest.approx(5),
        "mean_label": pytest.approx(label.mean()),
        "bias": pytest.approx(5),
        "r2": pytest.approx(1 - 25 / label.var()),
    }
    assert joined.health is Health.DEGRADED
    assert joined.reason.startswith("bias +5 (mean score above mean label; ")
    assert joined.rolling["bias"] == pytest.approx(5, abs=0.1)


def test_the_worst_segments_are_named_and_what_only_they_show_is_told_apart(
    world: World, resolve: Any, rows_of: Make
) -> None:
    fleet = resolve(("rolling_days: 3", "segments: [kind], rolling_days: 3"))
    window = Window(world, fleet, rows_of)

    def day(start: datetime, wrong: float) -> pa.Table:
        rng = np.random.default_rng(start.day)
        kind = np.array(["a", "b", "c", "d", "e"] * 260)
        score = rng.uniform(0.2, 0.4, 1300)
        label = (rng.random(1300) < score).astype(float)
        score[kind == "c"] += wrong
        ids = [f"{start.day}-{i}" for i in range(1300)]
        return window.make(ids, start, kind=kind, served=score, label=label)

    def joined(wrong: float) -> Any:
        days = [day(STARTS + timedelta(hours=1, days=-back), wrong) for back in (2, 1, 0)]
        today = days[-1]
        ids = today["correlationid"].to_pylist()
        return window.join(
            inputs=(window.put(today.drop_columns(["served", "label"])),),
            outputs=(window.scores("v1", today["served"].to_pylist(), ids),),
            labels=(window.labels(today["label"].to_pylist(), ids),),
            trailing=(("d2", window.put(days[0]), None), ("d1", window.put(days[1]), None)),
        )

    some = joined(0.2)
    assert (some.health, some.reason[:4]) == (Health.HEALTHY, "perf")
    told = finding(some, "segments")
    assert told.active
    assert told.reason.startswith("1 of 5 segments degraded: kind=c (780 labels): calibration")
    worse = joined(0.5)
    assert worse.health is Health.DEGRADED
    assert "; 1 of 5 segments degraded: kind=c (780 labels)" in worse.reason
    assert finding(worse, "segments").active is False
    assert finding(joined(0.0), "segments").active is False


def test_scores_that_go_with_other_features_than_at_the_reference_are_told(
    window: Window, world: World, fleet: Fleet
) -> None:
    rng = np.random.default_rng(5)

    def day(name: str, start: datetime) -> pa.Table:
        x, y = rng.normal(size=(2, 250))
        return window.make([f"{name}-{i}" for i in range(250)], start, x=x, y=y, label=x * 0)

    registry: Any = world.registry
    registry.cards["v1"] = ModelCard("demand", "v1", ("x", "y"))
    past = pa.concat_tables(day(str(back), STARTS - timedelta(days=back)) for back in range(15))
    scores = past["x"].to_numpy()
    reference = usual_scores.put(world, fleet.models["demand"], "v1", scores, past)
    today = day("now", STARTS + timedelta(hours=1))
    ids = today["correlationid"].to_pylist()

    def found(column: str) -> Any:
        joined = window.join(
            inputs=(window.put(today.drop_columns(["label"])),),
            outputs=(window.scores("v1", today[column].to_pylist(), ids),),
            labels=(),
            reference=reference,
        )
        return finding(joined, "association")

    assert found("x").active is False
    turned = found("y")
    assert turned.active is True
    assert turned.features == ("x", "y")
    assert "x from rank 1 to 2, y from rank 2 to 1" in turned.reason
    assert not [one for one in window.join().findings if one.key == "association"]
