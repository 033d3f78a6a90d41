"""Verify a store: it is only read, also while a server writes to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fleet.proof import prove
from hosts import open_evidence
from hosts.local.evidence import read_anchors


def verified(fleet: Path, anchors: Path | None) -> dict[str, Any]:
    """Return what `verify` says, as JSON.

    Raises
    ------
    Refused
        The document is invalid, there is no such store, or the file of anchors cannot be read.
    """
    known = read_anchors(anchors) if anchors is not None else []
    with open_evidence(fleet) as (config, evidence):
        found = prove(evidence, config.fleet.models, known)
    return {
        "verified": found.verified,
        "records": dict(found.records),
        "authenticated_from": dict(found.signed_from),
        "notes": list(found.notes),
        "findings": list(found.findings),
    }
