"""A first fleet.yaml, inferred from a sample of the user's data."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pyarrow as pa

from engine.errors import Refused
from fleet.document.text import spelled
from fleet.partitions import FLEET
from hosts.tables.reading import read_batches
from monitoring.intake.limits import LIMITS, Limits
from monitoring.intake.naming import Naming, names_things
from monitoring.intake.references import KEYS, named_once
from monitoring.intake.stacking import stacked
from monitoring.schema import classify, is_text
from retrain.registry import NAME

LABELS = ("label", "target", "outcome", "y")
ROWS = 10_000

TEMPLATE = """\
# Driftwarden, inferred from {sample}.
# Edit the lines marked CHANGE and remove the marks; `driftwarden validate` checks the rest.
# Paths are relative to this file's folder.
version: 1
store: local:var

receivers:
  terminal: {{kind: terminal}}
  # pager: {{kind: webhook, url: "env:PAGER_URL"}}

teams:
  oncall:
    page: [terminal]

calendars:
  business:
    zone: UTC            # CHANGE: the zone whose midnights divide your days
    countries: []        # CHANGE: e.g. [US]; holidays explain, they do not page
    lead_days: 1
    lag_days: 1

models:
  {key}:
    team: oncall
    calendar: business
    logs: {{endpoint: {name}}}          # CHANGE: the endpoint's name in your logs' folders
    # At least eight days on which the model performed well, with columns day, time and label.
    reference: {{data: {sample}}}
    serving: {{champion: v1}}           # CHANGE: the version that serves now
{segment}    drift:
      threshold: 0.10                  # psi less its sampling floor: 0.10 is a shift of 0.32 sd
      # Per feature, e.g. to keep its levels out of reports and pages:
{features}
    # Without this the model is watched and never retrained.
    # training:
    #   command: [python, train.py, --data, "{{data}}", --out, "{{out}}", --version, "{{version}}"]
"""


def write_first(sample: Path, out: Path, limits: Limits = LIMITS) -> str:
    """Write a commented document and return a line on what to do next.

    Raises
    ------
    Refused
        The sample cannot be read or holds no rows, or `out` exists or cannot be written.
    """
    if out.exists():
        raise Refused(f"{out}: exists; remove it or name another file with --out")
    table = _sample(sample, limits)
    if not table.num_rows:
        raise Refused(f"{sample}: no rows; features are inferred from rows, give a sample of them")
    if not table.column_names:
        raise Refused(f"{sample}: no columns to infer features from")
    # Paths in the document are relative to its folder.
    path = sample if sample.is_absolute() else os.path.relpath(sample, out.parent)
    try:
        name = os.fsencode(path).decode()
    except UnicodeDecodeError as error:
        raise Refused(f"{sample}: the name is not UTF-8, as fleet.yaml is; rename it") from error
    try:
        out.write_text(first_document(table, name, _name(sample)), encoding="utf-8")
    except OSError as error:
        raise Refused(f"{out}: cannot be written: {error.strerror}") from error
    check = f"driftwarden validate --document-only {out}"
    return f"{out}: written; edit the lines marked CHANGE and remove the marks, then `{check}`"


def first_document(table: pa.Table, sample: str, name: str) -> str:
    """Return the text of a first fleet.yaml for a table."""
    label = next((n for n in table.column_names if n.lower() in LABELS), None)
    features = [column for column in table.column_names if column not in (label, *KEYS)]
    ids = {column: names_things(column, table[column]) for column in features}
    text = (column for column in features if is_text(table[column].type) and not ids[column])
    segment = next((f"    labels: {{segment: {spelled(column)}}}" for column in text), "")
    return TEMPLATE.format(
        sample=spelled(sample),
        key=name,
        name=spelled(name),
        segment=f"{segment}   # CHANGE: the gate's segments\n" if segment else "",
        features="\n".join(_features(table.select(features), ids)),
    )


def _features(table: pa.Table, ids: dict[str, Naming | None]) -> list[str]:
    """Return the lines of the features: ids and codes declared, the others as comments."""
    kinds, ignored = classify(table.schema)
    said = {column: f": {{}}    # {kind}" for column, kind in kinds.items()}
    said |= {one.name: f": ignored, {one.reason}" for one in ignored}
    declared: list[str] = []
    for column, naming in ids.items():
        if naming is None:
            continue
        if naming.unique:
            said[column] = f": {naming.reason}; if they name the rows, leave it out"
        else:
            why = f"CHANGE: {naming.reason}? Otherwise remove this line"
            declared.append(f"        {spelled(column)}: {{kind: categorical}}    # {why}")
            del said[column]
    comments = [f"      #   {spelled(column)}{text}" for column, text in said.items()]
    return ["      features:" if declared else "      features: {}", *declared, *comments]


def _sample(path: Path, limits: Limits) -> pa.Table:
    batches, rows = [], 0
    for batch in named_once(read_batches(path, limits), str(path)):
        batches.append(pa.Table.from_batches([batch]))
        rows += batch.num_rows
        if rows >= ROWS:
            break
    return stacked(batches).slice(0, ROWS) if batches else pa.table({})


def _name(sample: Path) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", sample.stem.lower()).strip("-")[:63]
    return name if NAME.fullmatch(name) and name != FLEET else "model"
