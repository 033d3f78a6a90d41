"""What a page for performance tells besides."""

from __future__ import annotations

from typing import Any

from fleet.model.effects import Tell
from monitoring.drift.verdict import Verdict as Drift
from tests.unit.fleet.model.days import DAY, assess, degrade


def test_a_page_for_performance_tells_of_drift_and_is_not_silenced_with_it(begun: Any) -> None:
    said = "x: psi 0.4; (0, 1]: 10.0 % → 20.0 % (100 → 20 rows)"
    moved = {"x": Drift.DRIFTED}
    assess(begun, DAY, verdict=Drift.DRIFTED, stream=moved, psi={"x": 0.4}, lines=(said,))
    degrade(begun)
    (page,) = [e.notice for e in begun.ever(Tell) if e.notice.alert == "performance-1"]
    assert page.lines[0].startswith(f"drifted on {DAY}: x (psi 0.4")
    assert said in page.lines
    assert page.features == ()
