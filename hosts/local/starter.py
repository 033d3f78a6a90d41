"""A first fleet.yaml, guessed from a sample of the user's data."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.types as pat

from engine.errors import Refused
from hosts.local.tables import read_batches
from monitoring.schema import classify
from retrain.registry import NAME

LABELS = ("label", "target", "outcome", "y")
ROWS = 10_000

TEMPLATE = """\
# Driftwarden, guessed from {sample}. Lines with CHANGE need your eye; `driftwarden validate` checks
# the rest. Paths start at this file's folder.
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
  {name}:
    team: oncall
    calendar: business
    logs: {{endpoint: {name}}}          # CHANGE: the endpoint's name in your logs' folders
    # Rows the model is known to serve well; needs the columns day, time and label.
    reference: {{data: {sample}}}
    serving: {{champion: v1}}           # CHANGE: the version that serves now
{segment}    drift:
      threshold: 0.10                  # psi less its sampling floor: 0.10 is a shift of 0.32 sd
      # Per feature, e.g. to keep its levels out of reports and pages:
      features: {{}}
{features}
    # Without this the model is watched and never retrained.
    # training:
    #   command: [python, train.py, --data, "{{data}}", --out, "{{out}}", --version, "{{version}}"]
"""


def write_first(sample: Path, out: Path) -> str:
    """Write a commented document and return a line on what to do next.

    Raises
    ------
    Refused
        The sample cannot be read or holds no columns, or `out` exists.
    """
    if out.exists():
        raise Refused(f"{out}: exists; remove it or name another file with --out")
    table = _sample(sample)
    if not table.column_names:
        raise Refused(f"{sample}: no columns to guess from")
    out.write_text(first_document(table, str(sample), _name(sample)), encoding="utf-8")
    return f"{out}: written; mend the lines with CHANGE, then `driftwarden validate {out}`"


def first_document(table: pa.Table, sample: str, name: str) -> str:
    """Return the text of a first fleet.yaml for a table."""
    kinds, ignored = classify(table.schema)
    label = next((n for n in table.column_names if n.lower() in LABELS), None)
    features = [
        f"      #   {column}: {{}}    # {kind}" for column, kind in kinds.items() if column != label
    ]
    features += [f"      #   {one.name}: ignored, {one.reason}" for one in ignored]
    few = [
        column
        for column, kind in kinds.items()
        if column != label and pat.is_string(table[column].type)
    ]
    segment = f"    labels: {{segment: {few[0]}}}   # CHANGE: the gate's segments\n" if few else ""
    return TEMPLATE.format(sample=sample, name=name, segment=segment, features="\n".join(features))


def _sample(path: Path) -> pa.Table:
    batches, rows = [], 0
    for batch in read_batches(path):
        batches.append(pa.Table.from_batches([batch]))
        rows += batch.num_rows
        if rows >= ROWS:
            break
    if not batches:
        return pa.table({})
    return pa.concat_tables(batches, promote_options="permissive").slice(0, ROWS)


def _name(sample: Path) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", sample.stem.lower()).strip("-")[:63]
    return name if NAME.fullmatch(name) else "model"
