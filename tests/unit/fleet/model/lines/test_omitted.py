"""Fields that are left out while they have their default."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import pytest

from fleet.model.lines.omitted import OMITTED, left_out


@dataclass(frozen=True)
class Sample:
    always: str = ""
    text: str = field(default="", metadata=OMITTED)
    count: int | None = field(default=None, metadata=OMITTED)
    since: dict[str, str] = field(default_factory=dict, metadata=OMITTED)


@pytest.mark.parametrize(
    ("sample", "absent"),
    [
        (Sample(), {"text", "count", "since"}),
        (Sample("a", "b", 0, {"x": "y"}), set()),
        (Sample(text="b"), {"count", "since"}),
    ],
)
def test_only_declared_fields_with_their_default_are_left_out(
    sample: Sample, absent: set[str]
) -> None:
    found = {one.name for one in fields(sample) if left_out(one, getattr(sample, one.name))}
    assert found == absent
