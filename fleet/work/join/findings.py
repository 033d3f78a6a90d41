"""What a join finds besides performance, one finding a signal."""

from __future__ import annotations

from monitoring import quality_rules
from monitoring.drift.wording import level, percent
from monitoring.finding import Finding
from monitoring.performance import Policy as PerformancePolicy
from monitoring.quality import Policy as QualityPolicy


def labels_finding(window: str, labelled: int, rows: int, policy: PerformancePolicy) -> Finding:
    """Tell whether too few labels of a window are in."""
    share = labelled / rows if rows else 0.0
    least = level(policy.min_completeness)
    told = f"{labelled} of {rows} rows of {window} have a label"
    reason = f"{told} ({percent(share)}; {least} are needed)"
    return Finding("labels", share < policy.min_completeness, reason)


def segments_finding(window: str, degraded: str) -> Finding:
    """Tell which segments are degraded where the total is not: a ticket, never a page."""
    reason = degraded or "no segment is degraded where the total is not"
    return Finding("segments", bool(degraded), f"{reason} (up to {window})")


def repeated_finding(window: str, again: int, rows: int, policy: QualityPolicy) -> Finding:
    """Tell whether many rows of a window had been logged before."""
    found = quality_rules.repeated(again, rows, policy, window)
    reason = found.reason if found is not None else f"rows of {window} were logged once"
    return Finding("repeated", found is not None, reason)
