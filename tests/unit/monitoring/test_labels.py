"""Joining labels: against a plain dictionary, and by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Refused
from monitoring.labels import join
from monitoring.metrics import Task

T0 = datetime(2013, 7, 1, tzinfo=UTC)
INSTANT = pa.timestamp("us", "UTC")


def outputs(rows: list[tuple[str, int, float]]) -> pa.Table:
    return pa.table(
        {
            "correlationid": pa.array([r[0] for r in rows], pa.string()),
            "index": pa.array([r[1] for r in rows], pa.int64()),
            "score": pa.array([r[2] for r in rows], pa.float64()),
            "time": pa.array([T0 + timedelta(hours=i) for i in range(len(rows))], INSTANT),
        }
    )


def labels(rows: list[tuple[str, int, int | None, int]]) -> pa.Table:
    return pa.table(
        {
            "correlationid": pa.array([r[0] for r in rows], pa.string()),
            "index": pa.array([r[1] for r in rows], pa.int64()),
            "label": pa.array([r[2] for r in rows], pa.int64()),
            "time": pa.array([T0 + timedelta(days=r[3]) for r in rows], INSTANT),
        }
    )


def test_the_last_label_by_time_stands_and_everything_odd_is_counted() -> None:
    joined = join(
        outputs([("b", 0, 0.1), ("a", 0, 0.2), ("a", 1, 0.3), ("a", 2, 0.4), ("b", 0, 0.9)]),
        labels(
            [
                ("a", 0, 1, 5),
                ("a", 0, 0, 3),
                ("a", 1, 0, 1),
                ("a", 1, 0, 2),
                ("b", 0, None, 1),
                ("z", 0, 1, 1),
                ("z", 0, 1, 2),
                ("a", 7, 1, 1),
            ]
        ),
    )
    assert joined.score.tolist() == [0.1, 0.2, 0.3, 0.4]
    np.testing.assert_array_equal(joined.label, [np.nan, 1, 0, np.nan])
    assert joined.time[1] == np.datetime64("2013-07-01T01:00:00")
    assert (joined.repeated, joined.duplicates) == (1, 2)
    assert (joined.contradictions, joined.unknown) == (1, 2)
    assert joined.completeness == 0.5


def test_nothing_to_join_is_no_error() -> None:
    empty = join(outputs([]), labels([("a", 0, 1, 0)]))
    assert (len(empty.score), empty.completeness, empty.unknown) == (0, None, 1)
    bare = join(outputs([("a", 0, 0.5)]), labels([]))
    assert np.isnan(bare.label).tolist() == [True]


def test_of_two_labels_at_one_instant_the_later_delivered_stands() -> None:
    joined = join(outputs([("a", 0, 0.5)]), labels([("a", 0, 1, 1), ("a", 0, 0, 1)]))
    assert joined.label.tolist() == [0.0]


def test_boolean_labels_are_labels() -> None:
    table = labels([("a", 0, 1, 1)]).set_column(2, "label", pa.array([True]))
    assert join(outputs([("a", 0, 0.5)]), table).label.tolist() == [1.0]


@pytest.mark.parametrize(
    ("left", "right", "complaint"),
    [
        (outputs([]).drop_columns("score"), labels([]), "outputs: column score is missing"),
        (outputs([]), labels([]).drop_columns("time"), "labels: column time is missing"),
        (outputs([]), labels([("a", 0, 2, 0)]), "label 2: binary classification takes 0 and 1"),
        (outputs([("a", -1, 0.5)]), labels([]), "index -1: rows of a request count from 0"),
    ],
)
def test_what_cannot_be_joined_is_refused(left: pa.Table, right: pa.Table, complaint: str) -> None:
    with pytest.raises(Refused, match=complaint):
        join(left, right)


IDS = st.sampled_from(["a", "b", "c", "d"])


@given(
    st.lists(st.tuples(IDS, st.integers(0, 2), st.floats(0, 1)), max_size=12),
    st.lists(
        st.tuples(IDS, st.integers(0, 2), st.sampled_from([0, 1, None]), st.integers(0, 5)),
        max_size=20,
    ),
)
def test_the_join_is_that_of_a_dictionary(
    predicted: list[tuple[str, int, float]], came: list[tuple[str, int, int | None, int]]
) -> None:
    scores: dict[tuple[str, int], float] = {}
    for id_, index, score in predicted:
        scores.setdefault((id_, index), score)
    by_key: dict[tuple[str, int], list[int]] = {}
    for id_, index, label, _ in sorted(came, key=lambda row: row[3]):
        if label is not None:
            by_key.setdefault((id_, index), []).append(label)
    joined = join(outputs(predicted), labels(came))
    assert joined.score.tolist() == list(scores.values())
    expected = [by_key[key][-1] if key in by_key else np.nan for key in scores]
    np.testing.assert_array_equal(joined.label, expected)
    assert joined.unknown == len(by_key.keys() - scores.keys())
    assert joined.contradictions == sum(len(set(told)) == 2 for told in by_key.values())
    assert joined.duplicates == sum(len(told) - len(set(told)) for told in by_key.values())


def test_labels_of_a_regression_are_joined_as_they_are() -> None:
    when = [datetime(2013, 4, 2, tzinfo=UTC)] * 3
    keys = {"correlationid": ["a", "b", "c"], "index": [0, 0, 0], "time": when}
    outputs = pa.table({**keys, "score": [10.0, 20.0, 30.0]})
    labels = pa.table({**keys, "label": [12.5, -3.0, 0.0]})
    with pytest.raises(Refused, match="takes 0 and 1"):
        join(outputs, labels)
    twice = pa.concat_tables([labels, labels, labels.set_column(3, "label", [[12.5, -4.0, 0.0]])])
    found = join(outputs, twice, Task.REGRESSION)
    assert found.label.tolist() == [12.5, -4.0, 0.0]
    assert (found.contradictions, found.duplicates) == (1, 5)
