"""Labels and scores of tables: which are read, and how the others are to be converted."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from engine.errors import Refused
from monitoring.intake.cells import Cells
from monitoring.intake.outcomes import check_scores, labels
from monitoring.metrics import Task

NAN, INF = float("nan"), float("inf")


def read(values: list[Any], task: Task = Task.CLASSIFICATION) -> list[float | None]:
    column = values if isinstance(values, pa.Array) else pa.array(values)
    found = labels(pa.chunked_array([column]), Cells("ref.parquet", "label"), task)
    assert found.type == pa.float64()
    plain: list[float | None] = found.to_pylist()
    return plain


@pytest.mark.parametrize(
    "values",
    [
        [0, 1, None],
        [0.0, 1.0, NAN],
        [False, True, None],
        ["0", "1", ""],
        ["False", "True", None],
        ["0.0", "1.0", " "],
        [Decimal(0), Decimal(1), None],
        pa.array([0, 1, None], pa.int8()),
        pa.array(["0", "1", None]).dictionary_encode(),
    ],
)
def test_labels_are_read_by_their_value(values: list[Any]) -> None:
    assert read(values) == [0.0, 1.0, None]


def test_labels_that_have_not_come_are_none_at_all() -> None:
    assert read(pa.nulls(2)) == [None, None]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["yes", "no"], "'no' and 'yes', not 0 and 1; convert them: df['label'] = "
         "df['label'].map({'no': 0, 'yes': 1})"),
        (["Y", "N"], "df['label'].map({'N': 0, 'Y': 1})"),
        (["good", "bad", None], "df['label'].map({'bad': 1, 'good': 0})"),
        ([1, -1], "the labels are -1 and 1, not 0 and 1; convert them: df['label'] = "
         "df['label'].map({-1: 0, 1: 1})"),
        ([1, 2], "df['label'].map({1: 0, 2: 1}), if the model scores the probability of 2"),
        (["ham", "spam"], "{'ham': 0, 'spam': 1}), if the model scores the probability of 'spam'"),
        ([5, 5], "the labels are 5, not 0 and 1"),
        ([0.25, 0.5, 3.0], "3 different labels (0.25, 0.5, 3.0, …), and a classification has 0, 1 "
         "and empty; a regression is declared by performance.task"),
        ([0, 1, 1, 2], "row 4: 2 is not 0 or 1 (1 of 4 labels); leave it empty where the label is"),
        ([0.0, INF, 1.0, -999.0], "row 2: inf is not 0 or 1 (2 of 4 labels)"),
        ([[1]], "holds values of type list<item: int64>, not labels"),
    ],
)  # fmt: skip
def test_other_labels_are_refused_with_the_way_to_convert_them(
    values: list[Any], said: str
) -> None:
    with pytest.raises(Refused) as refused:
        read(values)
    assert str(refused.value).startswith("ref.parquet: column 'label'")
    assert said in str(refused.value)


def test_labels_of_a_regression_are_finite_numbers() -> None:
    assert read([2, -7.5, None], Task.REGRESSION) == [2.0, -7.5, None]
    for values, said in (
        ([True], "a regression's labels are numbers, and these are true and false"),
        (["much"], "a regression's labels are numbers, and these are text"),
        ([1.0, INF], "row 2: inf is not a finite number (1 of 2 labels)"),
    ):
        with pytest.raises(Refused, match=said.replace("(", r"\(").replace(")", r"\)")):
            read(values, Task.REGRESSION)


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ([0.5, 1.5, -2.0], "2 of 3 scores are outside 0…1, the first is 1.5 in row 2; a class"),
        ([0.5, 35.0], "1 of 2 scores are outside 0…1, the first is 35 in row 2"),
        ([-1e-9, 1.0], "1 of 2 scores are outside 0…1, the first is -1e-09 in row 1"),
        ([0.5, NAN, NAN], "2 of 3 scores are not finite numbers, the first is nan in row 2"),
        ([7.0, INF], "1 of 2 scores are not finite numbers, the first is inf in row 2"),
    ],
)
def test_scores_that_are_no_probabilities_are_counted(scores: list[float], said: str) -> None:
    with pytest.raises(Refused) as refused:
        check_scores(np.array(scores), "ref.parquet: scored by churn v1", Task.CLASSIFICATION)
    assert str(refused.value).startswith(f"ref.parquet: scored by churn v1: {said}")


def test_scores_that_may_be_are_passed_on() -> None:
    for scores, task in (([0.0, 0.5, 1.0], Task.CLASSIFICATION), ([-3.0, 70.0], Task.REGRESSION)):
        assert check_scores(np.array(scores), "t", task).tolist() == scores
    with pytest.raises(Refused, match="1 of 1 scores are not finite numbers"):
        check_scores(np.array([NAN]), "t", Task.REGRESSION)
