"""Make a version of the tiny model: its weight is given, its intercept fitted where rows are."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq


def intercept(data: Path, weight: float) -> tuple[float, str, str]:
    """Newton's method for the intercept alone, and the first and last day of the rows."""
    table = pq.read_table(data)
    known = table.filter(table["label"].is_valid())
    x = np.nan_to_num(known["x"].to_numpy())
    label = known["label"].to_numpy()
    fitted = 0.0
    for _ in range(20):
        p = 1 / (1 + np.exp(-(weight * x + fitted)))
        fitted += float((label - p).sum() / (p * (1 - p)).sum())
    days = sorted(set(table["day"].to_pylist()))
    return fitted, days[0], days[-1]


def main() -> None:
    """Write the version's folder."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path)
    parser.add_argument("--weight", type=float, default=1.0)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--version", required=True)
    options = parser.parse_args()
    fitted, first, last = 0.0, "2024-02-01", "2024-02-29"
    if options.data is not None:
        fitted, first, last = intercept(options.data, options.weight)
    options.out.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(__file__).with_name("score.py"), options.out / "tiny_score.py")
    coefficients = {"weight": options.weight, "intercept": fitted}
    (options.out / "coefficients.json").write_text(json.dumps(coefficients))
    (options.out / "model.yaml").write_text(
        f"name: demand\nversion: {options.version}\nfeatures: [x, size, kind]\n"
        f"entry: tiny_score:score\ntraining_window: {{from: {first}, to: {last}}}\n"
    )


if __name__ == "__main__":
    main()
