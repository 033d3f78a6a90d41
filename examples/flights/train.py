"""Trains one flights model version and writes it as a folder.

    python -m examples.flights.train --data PATH --out DIR --version NAME
        [--from DAY] [--to DAY] [--evaluate-to DAY] [--extra-feature dep_delay]

PATH is a Parquet file or a folder of them with the 18 features, `day` and `label`. The folder holds
`model.yaml` (name, version, features, entry, training window) and `coefficients.json`; on demand
`evaluation.parquet`: the rows that whoever registers the version wants it judged on.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from examples.flights.columns import CATEGORICAL, LABEL, NUMERIC
from examples.flights.score import COEFFICIENTS

ENTRY = "examples.flights.score:score"
EVALUATION = "evaluation.parquet"
UNKNOWN = -1.0


@dataclass(frozen=True)
class Design:
    """What the pipeline is fitted on: numbers (NaN where missing), then level codes, by column."""

    numeric: tuple[str, ...]
    levels: dict[str, tuple[str, ...]]

    def matrix(self, rows: pa.Table) -> npt.NDArray[np.float64]:
        """Return N × (numeric + categorical) floats; unknown and null levels get the code -1."""
        numbers = [rows[name].cast(pa.float64()).to_numpy() for name in self.numeric]
        codes = [
            pc.index_in(rows[name].cast(pa.string()), pa.array(levels))
            .fill_null(int(UNKNOWN))
            .to_numpy()
            for name, levels in self.levels.items()
        ]
        return np.column_stack([*numbers, *codes]).astype(np.float64)


def design(rows: pa.Table, extra: tuple[str, ...] = ()) -> Design:
    """Fix the features and the levels of each category from the training `rows`."""
    levels = {
        name: tuple(sorted(level for level in pc.unique(rows[name]).to_pylist() if level))
        for name in CATEGORICAL
    }
    return Design((*NUMERIC, *extra), levels)


def fit(rows: pa.Table, shape: Design) -> Pipeline:
    """Fit the scikit-learn pipeline on labelled `rows`."""
    count = len(shape.numeric)
    numbers = Pipeline(
        [
            ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
            ("scale", StandardScaler()),
        ]
    )
    codes = [[float(code) for code in range(len(levels))] for levels in shape.levels.values()]
    columns = ColumnTransformer(
        [
            (
                "numbers",
                FeatureUnion([("value", numbers), ("missing", _indicator())]),
                slice(count),
            ),
            (
                "levels",
                OneHotEncoder(categories=codes, handle_unknown="ignore"),
                slice(count, None),
            ),
        ],
        sparse_threshold=1.0,
    )
    # Ten times the default shrinkage: rare levels and short windows are the rule here.
    pipeline = Pipeline([("columns", columns), ("model", LogisticRegression(C=0.1, max_iter=300))])
    return pipeline.fit(shape.matrix(rows), rows[LABEL].cast(pa.int8()).to_numpy())


def _indicator() -> FunctionTransformer:
    return FunctionTransformer(np.isnan)


def coefficients(pipeline: Pipeline, shape: Design) -> dict[str, Any]:
    """Return the fitted numbers in the form that `examples.flights.score` reads."""
    columns, model = pipeline["columns"], pipeline["model"]
    numbers = columns.named_transformers_["numbers"].transformer_list[0][1]
    count, weights = len(shape.numeric), model.coef_[0].tolist()
    numeric = {
        name: {
            "median": float(numbers["impute"].statistics_[place]),
            "mean": float(numbers["scale"].mean_[place]),
            "scale": float(numbers["scale"].scale_[place]),
            "weight": weights[place],
            "missing_weight": weights[count + place],
        }
        for place, name in enumerate(shape.numeric)
    }
    categorical, start = {}, 2 * count
    for name, levels in shape.levels.items():
        categorical[name] = dict(zip(levels, weights[start:], strict=False))
        start += len(levels)
    return {
        "intercept": float(model.intercept_[0]),
        "numeric": numeric,
        "categorical": categorical,
    }


def train(rows: pa.Table, out: Path, version: str, extra: tuple[str, ...] = ()) -> None:
    """Fit on the labelled rows among `rows` and write the model folder `out`.

    Raises SystemExit where there is nothing to learn from.
    """
    # A join may say "no label" by null or by NaN.
    labelled = rows.filter(pc.is_finite(rows[LABEL].cast(pa.float64())))
    if len(pc.unique(labelled[LABEL])) < 2:
        raise SystemExit(f"{labelled.num_rows} labelled rows hold fewer than two classes")
    shape = design(labelled, extra)
    fitted = coefficients(fit(labelled, shape), shape)
    days = pc.min_max(labelled["day"].cast(pa.string())).as_py()
    description = {
        "name": "flights",
        "version": version,
        "features": [*CATEGORICAL, *shape.numeric],
        "entry": ENTRY,
        "training_window": {"from": days["min"], "to": days["max"]},
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / COEFFICIENTS).write_text(json.dumps(fitted, indent=1) + "\n")
    (out / "model.yaml").write_text(yaml.safe_dump(description, sort_keys=False))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train one flights model version.")
    parser.add_argument("--data", type=Path, required=True, help="a Parquet file, or a folder")
    parser.add_argument("--out", type=Path, required=True, help="the model folder to write")
    parser.add_argument("--version", required=True)
    parser.add_argument("--from", dest="first", default="", help="first day to learn from")
    parser.add_argument("--to", dest="last", default="9999", help="last day to learn from")
    parser.add_argument(
        "--evaluate-to",
        default="",
        help="last day of evaluation.parquet, which begins after the last training day, "
        "or is that of the training where it ends with it",
    )
    parser.add_argument("--extra-feature", action="append", default=[])
    return parser.parse_args()


def main() -> None:
    wanted = _arguments()
    extra = tuple(wanted.extra_feature)
    columns = ["day", "time", *CATEGORICAL, *NUMERIC, *extra, LABEL]
    rows = pq.read_table(wanted.data, columns=columns)
    train(_between(rows, wanted.first, wanted.last), wanted.out, wanted.version, extra)
    if wanted.evaluate_to:
        begin = wanted.first
        if wanted.evaluate_to > wanted.last:
            begin = (date.fromisoformat(wanted.last) + timedelta(days=1)).isoformat()
        held = _between(rows, begin, wanted.evaluate_to)
        pq.write_table(held, wanted.out / EVALUATION)


def _between(rows: pa.Table, first: str, last: str) -> pa.Table:
    days = rows["day"].cast(pa.string())
    return rows.filter(pc.and_(pc.greater_equal(days, first), pc.less_equal(days, last)))


if __name__ == "__main__":
    main()
