"""A first fleet.yaml, guessed from a sample of the user's data."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.types as pat
import yaml

from engine.errors import Refused
from fleet.domain import FLEET
from hosts.local.tables import read_batches
from monitoring.schema import classify
from retrain.registry import NAME

LABELS = ("label", "target", "outcome", "y")
#: Columns that every table of rows has; they are no features.
KEYS = ("day", "time", "correlationid", "index")
ROWS = 10_000
PLAIN = re.compile(r"[A-Za-z0-9_./-]+")

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
  {key}:
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
        The sample cannot be read or holds no columns, or `out` exists or cannot be written.
    """
    if out.exists():
        raise Refused(f"{out}: exists; remove it or name another file with --out")
    table = _sample(sample)
    if not table.column_names:
        raise Refused(f"{sample}: no columns to guess from")
    # Paths in the document start at its own folder.
    path = str(sample) if sample.is_absolute() else os.path.relpath(sample, out.parent)
    try:
        out.write_text(first_document(table, path, _name(sample)), encoding="utf-8")
    except OSError as error:
        raise Refused(f"{out}: cannot be written: {error.strerror}") from error
    return f"{out}: written; mend the lines with CHANGE, then `driftwarden validate {out}`"


def first_document(table: pa.Table, sample: str, name: str) -> str:
    """Return the text of a first fleet.yaml for a table."""
    kinds, ignored = classify(table.schema)
    label = next((n for n in table.column_names if n.lower() in LABELS), None)
    features = [
        f"      #   {_word(column)}: {{}}    # {kind}"
        for column, kind in kinds.items()
        if column not in (label, *KEYS)
    ]
    features += [f"      #   {_word(one.name)}: ignored, {one.reason}" for one in ignored]
    few = [
        column
        for column, kind in kinds.items()
        if column not in (label, *KEYS) and pat.is_string(table[column].type)
    ]
    segment = ""
    if few:
        segment = f"    labels: {{segment: {_word(few[0])}}}   # CHANGE: the gate's segments\n"
    return TEMPLATE.format(
        sample=_word(sample),
        key=name,
        name=_word(name),
        segment=segment,
        features="\n".join(features),
    )


def _word(text: str) -> str:
    """Spell a text so that YAML reads it back as that text, wherever it stands."""
    plain = PLAIN.fullmatch(text) is not None and yaml.safe_load(text) == text
    return text if plain else json.dumps(text)


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
    return name if NAME.fullmatch(name) and name != FLEET else "model"
