"""The telemetry of a host that sends none."""

from __future__ import annotations

from fleet import gauges
from fleet.telemetry import Silent


def test_silence_takes_everything() -> None:
    silent = Silent()
    with silent.span("driftwarden.work", {"partition": "demand"}, "nonsense") as said:
        said["outcome"] = "paid"
        assert silent.traceparent() == ""
    silent.event("driftwarden.halted", {"partition": "demand"})
    gauges.tick(silent, [])
