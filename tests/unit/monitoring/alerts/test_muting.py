"""Silences and inhibition: who is muted, by what, and until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitoring.alerts.lifecycle import Kind, Notify, Severity, Status
from monitoring.alerts.muting import Silence, hiding, inhibited, lasting, muted, silenced

T0 = datetime(2013, 12, 31, tzinfo=UTC)


def notice(kind: Kind, model: str = "flights", **more: object) -> Notify:
    return Notify(
        **{  # type: ignore[arg-type]
            "key": f"{model}:{kind}-1:firing:1",
            "model": model,
            "alert": f"{kind}-1",
            "kind": kind,
            "severity": Severity.PAGE,
            "status": Status.FIRING,
            "reason": "because",
            "at": T0,
            **more,
        }
    )


def silence(**matchers: object) -> Silence:
    return Silence(
        **{  # type: ignore[arg-type]
            "id": "s1",
            "by": "kim",
            "reason": "known",
            "until": T0 + timedelta(hours=4),
            **matchers,
        }
    )


@pytest.mark.parametrize(
    ("matchers", "hushed"),
    [
        ({}, True),
        ({"model": "flights"}, True),
        ({"model": "churn"}, False),
        ({"kind": Kind.DRIFT}, True),
        ({"kind": Kind.SLO}, False),
        ({"model": "flights", "kind": Kind.SLO}, False),
        ({"feature": "temp"}, False),
        ({"segment": "carrier=UA"}, False),
    ],
)
def test_matchers_are_anded_and_absent_ones_match_all(
    matchers: dict[str, object], hushed: bool
) -> None:
    drift = notice(Kind.DRIFT, features=("temp", "dewp"))
    assert (silenced(drift, [silence(**matchers)]) is not None) is hushed


def test_a_feature_silence_hushes_only_when_nothing_else_moved() -> None:
    drift = notice(Kind.DRIFT, features=("temp", "dewp"))
    both = [silence(feature="temp"), silence(feature="dewp")]
    assert silenced(drift, both[:1]) is None
    assert silenced(drift, both) == "all features silenced: temp, dewp"
    assert silenced(notice(Kind.PERFORMANCE), both) is None


PLACES = ("temp in carrier=UA", "dewp in carrier=UA", "time in hours")


@pytest.mark.parametrize(
    ("matchers", "features", "hushed"),
    [
        ({"segment": "carrier=UA"}, PLACES[:2], True),
        ({"segment": "carrier=UA"}, PLACES, False),
        ({"segment": "carrier=U"}, PLACES[:2], False),
        ({"segment": "hours"}, PLACES[2:], False),
        ({"segment": "carrier=UA"}, (), False),
        ({"feature": "temp"}, PLACES[:1], True),
        ({"feature": "temp in carrier=UA"}, PLACES[:1], True),
        ({"feature": "time"}, PLACES[2:], False),
        ({"feature": "time in hours"}, PLACES[2:], True),
        ({"feature": "temp", "segment": "carrier=UA"}, PLACES[:1], True),
        ({"feature": "temp", "segment": "carrier=AA"}, PLACES[:1], False),
        ({"feature": "temp", "segment": "carrier=UA", "kind": Kind.SLO}, PLACES[:1], False),
    ],
)
def test_a_segment_matches_every_feature_in_it_and_a_feature_every_segment(
    matchers: dict[str, object], features: tuple[str, ...], hushed: bool
) -> None:
    drift = notice(Kind.DRIFT, features=features)
    assert (silenced(drift, [silence(**matchers)]) is not None) is hushed


def test_silences_that_match_nothing_of_an_alert_hide_nothing_of_it() -> None:
    drift = notice(Kind.DRIFT, features=("temp",))
    temp, other = silence(feature="temp"), silence(feature="other")
    assert hiding(drift, [temp, other]) == [temp]


def test_a_silence_ends_at_its_until() -> None:
    one = silence()
    assert lasting([one], one.until - timedelta(seconds=1)) == (one,)
    assert lasting([one], one.until) == ()


def test_a_quality_page_inhibits_the_drift_of_its_own_model_only() -> None:
    quality, drift = notice(Kind.QUALITY), notice(Kind.DRIFT)
    assert inhibited(drift, [quality]) == "not sent while flights:quality-1 pages"
    assert inhibited(quality, [drift]) is None
    assert inhibited(notice(Kind.PERFORMANCE), [quality]) is None
    assert inhibited(notice(Kind.DRIFT, "churn"), [quality]) is None
    assert inhibited(drift, [notice(Kind.QUALITY, severity=Severity.TICKET)]) is None
    assert inhibited(drift, [notice(Kind.QUALITY, status=Status.RESOLVED)]) is None
    assert muted([quality, drift], []) == {
        "flights:drift-1": "not sent while flights:quality-1 pages"
    }
