"""Thresholds put into fleet.yaml as text, in every style that people write."""

from __future__ import annotations

import pytest
import yaml

from engine.errors import Refused
from fleet.document.patch import difference, with_thresholds

HEAD = "# first\nversion: 1   # one\nmodels:\n"
TAIL = "  # about the other\n  other: {team: a}\n"
STYLES = {
    "nothing yet": "  m:   # ours\n    team: a  # who\n    logs: {endpoint: m}   # where\n\n",
    "flow model": "  m: {team: a, logs: {endpoint: m}}  # all\n",
    "flow drift": "  m:\n    team: a\n    drift: {threshold: 0.2, fdr: 0.1}  # ours\n",
    "empty flow": "  m:\n    drift: {}   # none\n    team: a\n",
    "block drift": "  m:\n    drift:\n      threshold: 0.2   # why\n      # more\n    team: a\n",
    "block features": "  m:\n    drift:\n      features:\n        y: {redact: true}  # level\n\n"
    "    team: a\n",
    "no value": "  m:\n    drift:   # to come\n    team: a\n",
    "null features": "  m:\n    drift:\n      features: null # none\n    team: a\n",
    "there already": "  m:\n    drift:\n      features:\n        x: {threshold: 0.5}  # old\n",
    "there in lines": "  m:\n    drift:\n      features:\n        x:\n          redact: true\n"
    "          threshold: 0.5  # old\n",
    "feature without": "  m:\n    drift:\n      features:\n        x:\n"
    "          redact: true # r\n",
    "trailing comma": "  m:\n    drift: {\n      threshold: 0.2,  # why\n    }\n",
    "list last": "  m:\n    slo:\n      - a.yaml\n      - b.yaml  # two\n",
    "text last": "  m:\n    team: |\n      a\n      b\n",
    "deep indent": "    m:\n        drift:\n            threshold: 0.2\n",
}


def wanted(text: str) -> object:
    found = yaml.safe_load(text)
    drift = found["models"]["m"]["drift"] = found["models"]["m"].get("drift") or {}
    features = drift["features"] = drift.get("features") or {}
    features.setdefault("x", {})["threshold"] = 0.143
    features.setdefault("two words", {})["threshold"] = 2.0
    return found


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_only_the_thresholds_change(style: str, ending: str) -> None:
    tail = TAIL if not STYLES[style].startswith("    ") else ""
    text = (HEAD + STYLES[style] + tail).replace("\n", ending)
    changed = with_thresholds(text, "fleet.yaml", "m", {"x": 0.143, "two words": 2.0})
    assert yaml.safe_load(changed) == wanted(text)
    comments = [line.split("#", 1)[1] for line in text.splitlines() if "#" in line]
    assert [line.split("#", 1)[1] for line in changed.splitlines() if "#" in line] == comments
    assert changed.count(ending) == changed.count("\n")
    again = with_thresholds(changed, "fleet.yaml", "m", {"x": 0.143})
    assert again == changed


def test_the_last_line_needs_no_end() -> None:
    text = (HEAD + "  m:\n    team: a").rstrip("\n")
    changed = with_thresholds(text, "f", "m", {"x": 0.1})
    assert changed.endswith(
        "    team: a\n    drift:\n      features:\n        x: {threshold: 0.1}\n"
    )


def test_a_threshold_that_was_in_another_unit_is_in_psi_from_now_on() -> None:
    text = HEAD + "  m:\n    drift:\n      features:\n        x: {metric: js, threshold: 0.1}\n"
    changed = yaml.safe_load(with_thresholds(text, "fleet.yaml", "m", {"x": 0.143, "y": 0.2}))
    assert changed["models"]["m"]["drift"]["features"] == {
        "x": {"metric": "psi", "threshold": 0.143},
        "y": {"threshold": 0.2},
    }


def test_what_is_shared_by_an_alias_is_left_alone() -> None:
    text = "models:\n  a: {drift: &d {threshold: 0.1}}\n  m:\n    drift: *d\n"
    with pytest.raises(Refused, match=r"models\.m\.drift is an alias; change it by hand"):
        with_thresholds(text, "fleet.yaml", "m", {"x": 0.1})


def test_a_model_that_takes_its_keys_from_another_is_left_alone() -> None:
    text = "a: &a {drift: {features: {x: {threshold: 1}}}}\nmodels: *a\n"
    with pytest.raises(Refused):
        with_thresholds(text, "fleet.yaml", "m", {"x": 0.1})


def test_the_difference_is_a_patch() -> None:
    before = HEAD + STYLES["flow drift"]
    after = with_thresholds(before, "fleet.yaml", "m", {"x": 0.143})
    assert difference(before, after, "fleet.yaml").splitlines()[-3:] == [
        "     team: a",
        "-    drift: {threshold: 0.2, fdr: 0.1}  # ours",
        "+    drift: {features: {x: {threshold: 0.143}}, threshold: 0.2, fdr: 0.1}  # ours",
    ]
    assert difference(before, before, "fleet.yaml") == ""
