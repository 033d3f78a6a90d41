"""Bins: labels and cells, levels by frequency and value, groups of rare levels, round trips."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from engine.errors import Refused
from monitoring.drift.binning import CategoricalBins, NumericBins
from monitoring.drift.ruler import Ruler


def test_labels_name_half_open_intervals() -> None:
    assert NumericBins((0.5, 2.0)).labels == ("(-inf, 0.5]", "(0.5, 2]", "(2, inf)")
    assert NumericBins(()).labels == ("(-inf, inf)",)


def test_labels_name_atoms_and_end_in_front_of_them() -> None:
    values = np.concatenate([np.zeros(300), np.linspace(1, 9, 700)])
    labels = NumericBins.of(values).labels
    assert labels[:3] == ("(-inf, 0)", "0", "(0, 0.7]")
    assert NumericBins.of(np.repeat([0.1, 0.2, -1.0], 50)).labels == (
        *("(-inf, -1)", "-1", "(-1, 0.1)", "0.1", "(0.1, 0.2)", "0.2", "(0.2, inf)"),
    )


def test_tails_are_shown_with_their_decile_and_tested_alone() -> None:
    bins = NumericBins.of(np.random.default_rng(1).normal(size=5_000))
    assert bins.size == 12
    assert bins.shown.tolist() == [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9]
    assert bins.tested.tolist() == list(range(12))


def test_few_values_are_tested_and_shown_as_the_levels_that_they_are() -> None:
    bins = NumericBins.of(np.repeat([3.0, 7.0], 100))
    assert bins.tested.tolist() == bins.shown.tolist() == [0, 1, 0, 2, 0]


def test_levels_by_frequency_then_name_capped_at_a_thousand() -> None:
    assert CategoricalBins.of({"b": 2, "c": 1, "a": 2}).labels == ("a", "b", "c", "rest")
    many = CategoricalBins.of({f"l{index:04}": 5 for index in range(1_500)})
    assert len(many.levels) == 1_000
    assert many.levels[-1] == "l0999"


def test_rare_levels_are_tested_in_groups_of_half_the_least_own_level() -> None:
    common = {f"c{index}": 800 for index in range(10)}
    rare = {f"r{index}": 1 for index in range(2_000)}
    bins = CategoricalBins.of({**common, **rare})
    assert (bins.own, bins.groups, len(bins.levels)) == (10, 40, 1_000)
    assert bins.size == 1_040
    cells = bins.tested
    assert cells[:10].tolist() == list(range(40, 50))
    assert set(cells[10:1_000]) == set(range(40))
    assert cells[1_000:].tolist() == list(range(40))
    assert (bins.shown[1_000:] == 1_000).all()
    place = bins.place("never seen")
    assert bins.place("never seen") == place >= 1_000
    assert bins.labels[place] == f"rest {place - 999}/40"


@pytest.mark.parametrize(
    ("known", "other"),
    [
        *[("1", other) for other in ("1.0", "true", "True", "1.00", "TRUE")],
        *[(known, "0") for known in ("0.0", "false", "False", "-0")],
        *[("7.5", "7.50"), ("-3", "-3.0"), ("e\u0301", "\u00e9"), ("\u212b", "\u00c5")],
    ],
)
def test_one_value_is_one_level_however_it_is_spelled(known: str, other: str) -> None:
    bins = CategoricalBins.of({"other": 5, known: 9})
    assert bins.place(other) == bins.place(known) == 0


@pytest.mark.parametrize(
    ("known", "other"),
    [("2139", "02139"), ("1", "+1"), ("1", "1e0"), ("true", "yes"), ("a", "A"), ("1", " 1")],
)
def test_codes_and_words_are_what_they_are(known: str, other: str) -> None:
    assert CategoricalBins.of({known: 90}).place(other) == 1


def test_levels_that_the_reference_tells_apart_stay_apart() -> None:
    bins = CategoricalBins.of({"1": 9, "1.0": 5, "true": 3})
    assert [bins.place(level) for level in ("1", "1.0", "true", "True", "1.00")] == [0, 1, 2, 2, 0]


def test_a_salt_hides_the_levels() -> None:
    plain, other = (CategoricalBins.of({"alice": 3, "bob": 1}, salt) for salt in ("s1", "s2"))
    assert "alice" not in plain.labels
    assert plain.levels != other.levels
    assert plain.position[plain.key("alice")] == plain.place("alice") == 0


@pytest.fixture
def reference() -> pa.Table:
    return pa.table(
        {
            "x": [0.1, None, 0.3],
            "when": pa.array([0, 1, 2], pa.timestamp("s")),
            "s": ["é", None, "None"],
            "id": pa.array(["a", "b", "c"]),
        }
    )


def test_a_ruler_survives_its_bytes(reference: pa.Table) -> None:
    ruler = Ruler.of(reference, {"id": "salt"})
    again = Ruler.from_bytes(ruler.to_bytes())
    assert again == ruler
    assert again.id == ruler.id
    assert [one.name for one in ruler.ignored] == ["when"]
    assert list(ruler.features) == ["x", "s", "id"]


def test_a_newer_format_is_refused(reference: pa.Table) -> None:
    document = json.loads(Ruler.of(reference).to_bytes())
    document["format"] += 1
    with pytest.raises(Refused, match="newer"):
        Ruler.from_bytes(json.dumps(document).encode())


def test_nearly_unique_text_is_ignored() -> None:
    ids = pa.table({"id": [f"user {index}" for index in range(1_500)]})
    ruler = Ruler.of(ids)
    assert ruler.features == {}
    assert ruler.ignored[0].reason == "nearly unique strings: 1,500 distinct in 1,500 values"


def test_a_column_of_nulls_has_one_empty_bin() -> None:
    assert Ruler.of(pa.table({"x": pa.nulls(4)})).features == {"x": NumericBins(())}
