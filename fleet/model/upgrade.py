"""States of older formats, read into the present one."""

from __future__ import annotations

from typing import Any

from fleet.model.slices.windows import fingerprint

#: The format of every state that is written. Raise it where a stored field moves or changes its
#: meaning, and add a step to `UPGRADES`; a new field with a default needs neither.
FORMAT = 4

#: Format 1 kept all fields side by side, those of a slice too.
SLICES = {
    "logs": ("blobs", "loose", "counted", "traffic_to", "strangers"),
    "windows": ("windows", "past", "reference", "reference_asked", "renewal", "recount_to"),
    "alerting": ("alerts", "signals", "stream"),
    "training": ("trigger", "declined", "asked_by", "event", "run", "finished", "started"),
    "promotion": ("queue", "rollout", "rollouts", "scores", "rates"),
    "traffic": ("weights", "names", "wanted", "looked_at", "foreign"),
}
#: What is called otherwise in format 2.
RENAMED = {"windows": "open", "hearing": "silence"}


def upgrade(version: int, stored: dict[str, Any]) -> dict[str, Any]:
    """Return a model's state as it is written now, from the JSON object of an older format."""
    for step in UPGRADES[version - 1 :]:
        stored = step(stored)
    return stored


def _in_slices(flat: dict[str, Any]) -> dict[str, Any]:
    """Format 1 to 2: the fields of a subject are in its slice."""
    slice_of = {field: name for name, fields in SLICES.items() for field in fields}
    nested: dict[str, Any] = {name: {} for name in SLICES}
    for field, value in flat.items():
        place = nested[slice_of[field]] if field in slice_of else nested
        place[RENAMED.get(field, field)] = value
    return nested


def _signed(sliced: dict[str, Any]) -> dict[str, Any]:
    """Format 2 to 3: the same fields. An older app refuses it, because it does not sign records."""
    return sliced


def _fingerprinted(signed: dict[str, Any]) -> dict[str, Any]:
    """Format 3 to 4: windows keep the fingerprints that were derived from their batches."""
    for window in signed.get("windows", {}).get("open", {}).values():
        inputs = window.get("inputs", [])
        outputs = [batch for _, batch in window.get("outputs", [])]
        names = [batch["rows"] for batch in (*inputs, *window.get("traffic", []), *outputs)]
        window["assess_of"] = fingerprint([batch.get("sketch", "") for batch in inputs])
        window["join_of"] = fingerprint([*names, *window.get("labels", [])])
        window["outputs_of"] = fingerprint([batch["rows"] for batch in outputs])
    return signed


#: One step a format, in order: the first makes format 2 of format 1.
UPGRADES = (_in_slices, _signed, _fingerprinted)
