"""Every edge of what people know of a rule, and timelines."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from monitoring.slo.evaluation.notices import EDGES, Found, Phase, Told, notices, step
from monitoring.slo.evaluation.rules import Rule

LOUD = Rule("burns", "page", (), no_data=True)
FOUND = {".": Found.CLEAR, "F": Found.FIRING, "?": Found.SHORT_GAP, "0": Found.GAP}


@pytest.mark.parametrize(("phase", "found"), list(product(Phase, Found)))
def test_the_table_is_what_a_step_does(phase: Phase, found: Found) -> None:
    assert step(LOUD, phase, found) == EDGES.get((phase, found), (phase, None))


@pytest.mark.parametrize(
    ("timeline", "told"),
    [
        ("..FFF..", [(2, "firing"), (5, "resolved")]),
        ("FF?F?.", [(0, "firing"), (5, "resolved")]),
        ("..??000.", [(4, "no-data"), (7, "resolved")]),
        ("FF?00F.", [(0, "firing"), (3, "no-data"), (5, "firing"), (6, "resolved")]),
        ("??..?", []),
        ("00?F?00", [(0, "no-data"), (3, "firing"), (5, "no-data")]),
    ],
)
def test_timelines(timeline: str, told: list[tuple[int, str]]) -> None:
    found = np.array([FOUND[one] for one in timeline], np.int8)
    assert [(place, kind.value) for place, kind in notices(LOUD, found)] == told


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ({"no_data": False}, [Told.FIRING, Told.RESOLVED]),
        ({"no_data": True, "resolved": False}, [Told.FIRING, Told.NO_DATA]),
        ({"no_data": True, "breaching": False}, [Told.NO_DATA, Told.RESOLVED]),
        ({"resolved": False}, [Told.FIRING]),
        ({"breaching": False}, [Told.RESOLVED]),
    ],
)
def test_a_rule_tells_what_it_says(flags: dict[str, bool], told: list[Told]) -> None:
    found = np.array([FOUND[one] for one in ".FF?00.."], np.int8)
    assert [kind for _, kind in notices(Rule("burns", "page", (), **flags), found)] == told
