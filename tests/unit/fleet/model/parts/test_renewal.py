"""A reference of ruler 1 gets the bins of ruler 2 from its own rows, or says why it cannot."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pytest

from fleet.document.policies import Fleet
from fleet.model.lines import windows
from fleet.model.parts import renewal
from fleet.model.parts.renewal import referenced
from fleet.model.results import Referenced
from fleet.model.tasks import BuildReference
from fleet.model.turn import Turn
from fleet.ports import World
from fleet.work.refer.referencing import load_ruler
from fleet.work.refer.renewing import renew
from monitoring.drift.binning import CategoricalBins, NumericBins
from monitoring.drift.columns import finite_numbers, level_counts
from monitoring.drift.ruler import Ruler
from monitoring.schema import Kind, classify
from tests.unit.fleet.shop import Shop, rows_of


def first_format(
    cls: type[Ruler],
    reference: pa.Table,
    salts: Mapping[str, str] | None = None,
    kinds: Mapping[str, Kind] | None = None,
) -> Ruler:
    """What the version before measured: deciles, and one bin a level."""
    features: dict[str, Any] = {}
    for name, kind in classify(reference.schema)[0].items():
        column = reference[name]
        if kind is Kind.NUMERIC:
            bins = NumericBins.of(finite_numbers(column))
            low, high = bins.tails
            features[name] = NumericBins(bins.edges[low : len(bins.edges) - high])
        else:
            features[name] = CategoricalBins(tuple(sorted(level_counts(column))))
    return Ruler(features, format=1)


@contextmanager
def version_before() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ruler, "of", classmethod(first_format))
        patch.setattr(renewal, "FORMAT", 1)
        yield


@pytest.fixture
def shop(resolve: Callable[..., Fleet], world: World) -> Shop:
    calm = resolve(("gate: {min_days", "drift: {fdr: 0.001}\n    gate: {min_days"))
    with version_before():
        return Shop(calm, world).day(0, rows_of(0)).day(1, rows_of(1))


def ruler(shop: Shop) -> Ruler:
    return load_ruler(shop.world.blobs, shop.state.windows.reference)


def test_the_version_before_left_a_reference_of_format_1(shop: Shop) -> None:
    assert (ruler(shop).format, shop.state.windows.renewal) == (1, "")
    assert [line["verdict"] for line in shop.said("assessed")] == ["insufficient", "stable"]


def test_a_reference_gets_newer_bins_once_a_window_was_held_against_it(shop: Shop) -> None:
    before = shop.state.windows.reference
    shop.day(2, rows_of(2))
    assert ruler(shop).format == 2
    assert ruler(shop).features["x"].tails == (True, True)
    (told,) = [line for line in shop.said("reference") if line.get("before") == before]
    assert (told["days"], told["rows"]) == (28, 28 * 120)
    assert "bins of format 2 in place of 1, from the same rows" in told["note"]
    shop.day(3, rows_of(3))
    assert len(shop.said("reference")) == 2


def test_windows_are_judged_on_through_the_change(shop: Shop) -> None:
    shop.log(3, rows_of(3))  # counted with the bins before, assessed with those after
    shop.day(2, rows_of(2)).night(3)
    for number in (4, 5):
        shop.day(number, [{**row, "x": row["x"] + 3} for row in rows_of(number)])
    said = shop.said("assessed")
    assert [line["verdict"] for line in said] == [
        *("insufficient", "stable", "stable", "stable", "stable", "drifted"),
    ]
    assert [line["rows"] for line in said] == [120] * 6


def test_a_reference_whose_rows_are_gone_keeps_its_bins_and_says_so(shop: Shop) -> None:
    model = shop.state
    days = [(day, past.sketch, past.joined) for day, past in sorted(model.windows.past.items())]
    for lacking, told in (
        (days[1:], "the rows of 1 of its 28 days are not kept"),
        ([], "the rows of 28 of its 28 days are not kept"),
    ):
        asked = BuildReference("v1", "o", tuple(lacking), model.windows.reference, "", renew=True)
        made = renew(shop.world, shop.fleet.models["demand"], asked)
        assert (made.reference, made.renewed) == (model.windows.reference, model.windows.reference)
        assert "the reference keeps the bins of format 1 (format 2 gives" in made.note
        assert told in made.note


def test_the_report_says_which_bins_a_window_was_counted_with(shop: Shop) -> None:
    last = shop.said("assessed")[-1]
    report = json.loads(shop.world.blobs.get(last["report"]))
    assert report["ruler"] == 1
    assert (
        "bins of format 1: values that hold a large share have no bins of their own"
        in report["notes"]
    )


def test_newer_bins_that_come_after_another_reference_are_left(shop: Shop) -> None:
    turn = Turn(shop.fleet.models["demand"], shop.clock.moment, shop.state)
    referenced(turn, Referenced("v1", "newer", (), 0, renewed="another"))
    assert turn.windows.reference == shop.state.windows.reference
    said = turn.lines[-1]
    assert isinstance(said, windows.Reference)
    assert "another reference was set before" in said.note
