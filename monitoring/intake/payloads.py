"""Rows of an HTTP payload, as the data collector's collections `request` and `response` log it.

A scoring script defines its own payload. Known are records, columns, the split form of pandas, and
numbers as answers, bare or under the names that MLflow's server ("Deploy MLflow Model to local
inference server": `dataframe_split`, `dataframe_records`, `instances`, `inputs`), Azure ML
(`input_data`) and its generated scripts (`Inputs`, `Results`, `data`) give them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Row = Mapping[str, object]
#: Names under which a payload holds its rows, in lower case.
REQUESTS = ("input_data", "inputs", "instances", "dataframe_records", "dataframe_split", "data")
ANSWERS = ("predictions", "outputs", "result", "results")
HOLDERS = frozenset({*REQUESTS, *ANSWERS})
#: Names that may stand beside them.
BESIDE = frozenset({"params", "parameters", "globalparameters", "method"})
#: The column of an answer that is a number.
SCORE = "score"
KINDS = (".request", ".response")


def is_payload(kind: object) -> bool:
    """Whether a collector line of this type holds a payload and not the rows of a data frame.

    >>> is_payload("azureml.inference.request"), is_payload("azureml.inference.model_inputs")
    (True, False)
    """
    return isinstance(kind, str) and kind.endswith(KINDS)


def rows_of(payload: object) -> list[Row] | str:
    """Return the rows of a payload, or the reason that it has none.

    >>> rows_of({"input_data": {"columns": ["x", "y"], "index": [0], "data": [[1, "a"]]}})
    [{'x': 1, 'y': 'a'}]
    >>> rows_of({"predictions": [0.25, 0.5]})
    [{'score': 0.25}, {'score': 0.5}]
    """
    found = _held(payload)
    if _is_number(found):
        return [{SCORE: found}]
    if isinstance(found, Mapping):
        return _of_mapping(found)
    if isinstance(found, list):
        return _of_list(found)
    return "a payload without rows"


def _held(payload: object) -> object:
    """Return what a payload holds its rows in: itself, or the value under a known name."""
    while isinstance(payload, Mapping):
        names = {name: str(name).lower() for name in payload}
        holders = [name for name, lower in names.items() if lower in HOLDERS]
        if len(holders) != 1 or not set(names.values()) <= BESIDE | HOLDERS:
            return payload
        if not isinstance(payload[holders[0]], Mapping | list):
            return payload  # a feature of that name
        payload = payload[holders[0]]
    return payload


def _of_mapping(found: Row) -> list[Row] | str:
    names, data = found.get("columns"), found.get("data")
    if isinstance(names, list) and isinstance(data, list):
        return _split(names, data)
    columns = [value for value in found.values() if isinstance(value, list)]
    if not columns or len(columns) < len(found):
        return [found] if found else "a payload without rows"
    if len({len(column) for column in columns}) > 1:
        return "a payload whose columns differ in length"
    return [dict(zip(found, values, strict=True)) for values in zip(*columns, strict=True)]


def _split(names: Sequence[object], data: Sequence[object]) -> list[Row] | str:
    rows: list[Row] = []
    for values in data:
        if not isinstance(values, list) or len(values) != len(names):
            return "a payload whose rows are not as long as its list of columns"
        rows.append(dict(zip(map(str, names), values, strict=True)))
    return rows


def _of_list(found: Sequence[object]) -> list[Row] | str:
    if all(isinstance(row, Mapping) for row in found):
        return [row for row in found if isinstance(row, Mapping)]
    single = [row[0] if isinstance(row, list) and len(row) == 1 else row for row in found]
    if all(map(_is_number, single)):
        return [{SCORE: value} for value in single]
    return "a payload whose values have no names"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
