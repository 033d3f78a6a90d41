"""The served rows of a window, from the logged inputs, outputs and traffic."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from engine.blobs import Blobs
from fleet.model.tasks import Join
from fleet.names import held_by
from fleet.work import rows
from fleet.work.columns import Floats, floats

KEY = ("correlationid", "index")


def served_rows(blobs: Blobs, effect: Join) -> tuple[pa.Table, int]:
    """Return every served row once, with the scores of all arms, and the number of repeated rows.

    The traffic log says which version served a row.
    """
    inputs = rows.get_all(blobs, effect.inputs)
    scores = {
        version: rows.concatenate(
            rows.get(blobs, name) for v, name in effect.outputs if v == version
        )
        for version in dict.fromkeys(version for version, _ in effect.outputs)
    }
    base = inputs if inputs is not None else next(iter(scores.values()))
    base = base.drop_columns(["score"]) if "score" in base.column_names else base
    logged, base = base.num_rows, _once(base)
    by_version = {version: _aligned(base, table) for version, table in scores.items()}
    deployment = _deployments(blobs, base, by_version, effect)
    served = np.full(base.num_rows, np.nan)
    for version, column in by_version.items():
        mine = deployment == version
        served[mine] = column[mine]
    table = base.append_column("deployment", pa.array(deployment.tolist(), pa.string()))
    table = table.append_column("served", pa.array(served, from_pandas=True))
    for name, arm in (("baseline", effect.baseline), ("challenger", effect.challenger)):
        if arm is not None and arm in by_version:
            table = table.append_column(name, pa.array(by_version[arm], from_pandas=True))
    return table, logged - base.num_rows


def _once(table: pa.Table) -> pa.Table:
    """Keep the first of every row that was logged twice."""
    codes = _keys(table).dictionary_encode().indices.to_numpy()
    _, first = np.unique(codes, return_index=True)
    return table if len(first) == table.num_rows else table.take(pa.array(np.sort(first)))


def _aligned(base: pa.Table, scores: pa.Table) -> Floats:
    """Return one version's scores in the order of the base rows, NaN where it has none."""
    place = pc.index_in(_keys(base), value_set=_keys(scores))
    return floats(scores["score"].take(place))


def _keys(table: pa.Table) -> pa.Array:
    """Return correlation id and row index as one text."""
    numbers = table["index"].cast(pa.string())
    return pc.binary_join_element_wise(table["correlationid"], numbers, "/").combine_chunks()


def _deployments(
    blobs: Blobs, base: pa.Table, scores: dict[str, Floats], effect: Join
) -> npt.NDArray[np.str_]:
    """Return which version served each row.

    The traffic log says so. Without one it is the version that has a score for the row: in a shadow
    both have one and the champion served, in a canary only one arm has.
    """
    served = np.full(base.num_rows, effect.champion, dtype=object)
    if effect.challenger in scores and not effect.shadowed:
        alone = ~np.isnan(scores[effect.challenger])
        if effect.champion in scores:
            alone &= np.isnan(scores[effect.champion])
        served[alone] = effect.challenger
    traffic = rows.get_all(blobs, effect.traffic)
    if traffic is not None:
        known = traffic["correlationid"].combine_chunks()
        said = traffic["deployment"].take(pc.index_in(base["correlationid"], value_set=known))
        for name in pc.unique(said.drop_null()).to_pylist():
            here = pc.fill_null(pc.equal(said, name), False).to_numpy()
            served[here] = held_by(name, effect.names)
    return served.astype(str)
