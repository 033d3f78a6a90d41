"""Lines of a traffic log: each is taken whole or left out with a reason, and loses no other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from monitoring.intake import traffic

LINE = {
    "time": "2024-03-04T10:00:00Z", "deployment": "v1", "correlationid": "a", "status": 200,
    "duration_ms": 5.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("duration_ms", 10**400), ("duration_ms", -(10**400)), ("duration_ms", 1e300),
        ("duration_ms", float("nan")), ("duration_ms", float("inf")), ("duration_ms", True),
        ("duration_ms", "5"), ("duration_ms", None), ("duration_ms", [5]),
        ("status", 10**400), ("status", -1), ("status", 1000), ("status", True), ("status", "200"),
        ("status", 200.5), ("time", "2024-13-04"), ("time", 0), ("time", None),
        ("deployment", 7), ("deployment", None), ("correlationid", None), ("correlationid", {}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("others", [1, 400])
def test_an_odd_value_leaves_out_its_line_alone(field: str, value: Any, others: int) -> None:
    lines = [json.dumps({**LINE, "correlationid": f"r{i}"}) for i in range(others)]
    odd = json.dumps({**LINE, field: value})
    decoded = traffic.decode("".join(f"{line}\n" for line in [*lines, odd]).encode())
    assert decoded.table.num_rows == others
    assert decoded.bad == (f"line {others + 1}: no usable {field}",)
