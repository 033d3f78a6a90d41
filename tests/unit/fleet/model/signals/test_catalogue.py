"""The catalogue of signals: every key that is used has one row, and no row is ambiguous."""

from __future__ import annotations

import pytest

from fleet.model.signals.catalogue import SIGNALS, signal_of
from monitoring.alerts.lifecycle import Kind


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("drift", Kind.DRIFT),
        ("slo-latency", Kind.SLO),
        ("refused-set-traffic", Kind.TRAFFIC),
        ("refused-gate", Kind.RUN),
        ("capacity", Kind.CAPACITY),
        ("collector", Kind.QUALITY),
    ],
)
def test_a_key_has_the_kind_of_its_row(key: str, kind: Kind) -> None:
    assert signal_of(key).kind is kind


def test_a_key_without_a_row_is_an_error() -> None:
    with pytest.raises(KeyError, match="signal 'drifty' is not in the catalogue"):
        signal_of("drifty")


def test_each_row_is_found_by_its_own_key() -> None:
    assert [signal_of(row.key) for row in SIGNALS] == list(SIGNALS)


def test_a_row_that_is_explained_asks_only_while_no_event_explains_it() -> None:
    asking = [row for row in SIGNALS if row.asks is not None]
    assert asking
    assert all(row.explained for row in asking)
