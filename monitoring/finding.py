"""A finding: the present value of one signal, as the work that measured it reports it."""

from __future__ import annotations

from dataclasses import dataclass

from monitoring.alerts.lifecycle import Severity


@dataclass(frozen=True)
class Finding:
    """The present value of one signal.

    `key` names the signal (`fleet.model.signals.catalogue`). `active` None means that nothing is
    known. `lines` are what an on-call engineer asks first of the page.
    """

    key: str
    active: bool | None
    reason: str
    severity: Severity = Severity.TICKET
    features: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
