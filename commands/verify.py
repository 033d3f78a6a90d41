"""The verify command: a store is read, never written, also beside a running server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fleet.proof import prove
from hosts import open_evidence
from hosts.local.evidence import read_anchors


def verified(fleet: Path, anchors: Path | None) -> dict[str, Any]:
    """Return the proof of a store, as JSON.

    Raises
    ------
    Refused
        The document or a key is invalid, or the file of anchors cannot be read.
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
