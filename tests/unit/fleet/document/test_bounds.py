"""Every number of fleet.yaml has a lowest and a highest value, every text a longest length."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any, get_args, get_origin

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from engine.policy import Policy
from fleet.document import config
from fleet.document.config import Document
from tests.unit.fleet.document.test_config import FLEET, told

#: Read as a mapping only after its models: each of those is checked by itself.
ANYTHING = {"Document.defaults"}
LONG = "x" * 5_000
#: Values that no field takes, of either sign where the field has one.
ENDLESS = (1e308, -1e308, math.inf, -math.inf, math.nan)


def policies(shape: Any, found: dict[type[Policy], None]) -> dict[type[Policy], None]:
    """Return every policy that fleet.yaml can hold."""
    if isinstance(shape, type) and issubclass(shape, Policy):
        if shape not in found:
            found[shape] = None
            for field in shape.model_fields.values():
                policies(field.annotation, found)
    else:
        for part in get_args(shape):
            policies(part, found)
    return found


def leaves(shape: Any, marks: tuple[Any, ...] = ()) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Yield every plain type within a type, with what is written beside it."""
    if get_origin(shape) is Annotated:
        inner, *own = get_args(shape)
        yield from leaves(inner, (*own, *marks))
    elif get_args(shape) and get_origin(shape) is not None and not _is_literal(shape):
        of_items = get_origin(shape) in (tuple, dict)
        for part in get_args(shape):
            yield from leaves(part, () if of_items else marks)
    else:
        yield shape, marks


def _is_literal(shape: Any) -> bool:
    return all(not isinstance(one, type) and get_origin(one) is None for one in get_args(shape))


FIELDS: dict[str, FieldInfo] = {
    f"{policy.__module__.rpartition('.')[2]}.{policy.__name__}.{name}": field
    for policy in policies(Document, {})
    for name, field in policy.model_fields.items()
    if f"{policy.__name__}.{name}" not in ANYTHING
}
LEAVES = {
    f"{name} {place}": (shape, marks)
    for name, field in FIELDS.items()
    for place, (shape, marks) in enumerate(leaves(field.annotation, tuple(field.metadata)))
}
NUMBERS = {name: one for name, one in LEAVES.items() if one[0] in (int, float)}
TEXTS = {name: one for name, one in LEAVES.items() if one[0] is str}
DURATIONS = {name: one for name, one in LEAVES.items() if one[0] is timedelta}


def takes(of: tuple[Any, tuple[Any, ...]], value: object) -> bool:
    shape, marks = of
    try:
        TypeAdapter(Annotated[(shape, *marks)] if marks else shape).validate_python(value)
    except ValidationError:
        return False
    return True


def bounds(marks: tuple[Any, ...], *names: str) -> list[Any]:
    found = [getattr(mark, name, None) for mark in marks for name in names]
    return [one for one in found if one is not None]


def test_the_walk_finds_the_fields() -> None:
    assert len(NUMBERS) > 40
    assert len(TEXTS) > 20
    assert len(DURATIONS) > 15
    for known in ("capacity.Policy.utilization 0", "ranges.Range.low 0", "logs.Labels.bad_loss 0"):
        assert known in NUMBERS
    for known in ("logs.Logs.path 0", "group.Policy.page 0", "quality.Policy.ranges 0"):
        assert known in TEXTS


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_has_both_bounds(name: str) -> None:
    _, marks = NUMBERS[name]
    assert bounds(marks, "ge", "gt"), "no lowest value"
    assert bounds(marks, "le", "lt"), "no highest value"
    assert not [value for value in ENDLESS if takes(NUMBERS[name], value)]
    if not takes(NUMBERS[name], 0):
        assert not takes(NUMBERS[name], 1e-300), "as good as nothing"


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_has_a_longest_length(name: str) -> None:
    assert not takes(TEXTS[name], LONG)


@pytest.mark.parametrize("name", DURATIONS)
def test_a_duration_is_nothing_or_between_a_tenth_of_a_second_and_ten_years(name: str) -> None:
    for value in ("0.000001s", "0.09s", "-1s", "99999999w", timedelta.max, timedelta.min):
        assert not takes(DURATIONS[name], value), value


ABSURD = {
    "capacity: {utilization: 1.0e-300}": "utilization: input should be greater than or equal to 1",
    "capacity: {throttled: .nan}": "throttled: input should be ",
    "quality: {min_rows: 1.0e+30}": "min_rows: ",
    "judge: {psi_high: 1.0e+200}": "psi_high: input should be less than or equal to 1000",
    "gate: {margin_share: 1.0e-200}": "margin_share: input should be greater than or equal to",
    "quality: {ranges: {age: {high: 1.0e+300}}}": "age.high: input should be less than or equal to",
    "drift: {persistence: {flagged: 4, of: 5}}": "of: input should be less than or equal to 3",
    "trigger: {monthly_runs: 1000001}": "monthly_runs: input should be less than or equal to 1000",
    "alerts: {renotify: 0.001s}": "renotify: shorter than a tenth of a second; write 0",
    f"calendar: {LONG}": "calendar: string should have at most 255 characters",
    f"performance: {{segments: [{LONG}]}}": "segments.0: string should have at most 255",
    f"slo: [{LONG}]": "slo.0: string should have at most 1024 characters",
}


@pytest.mark.parametrize("case", ABSURD, ids=[case[:40] for case in ABSURD])
def test_an_absurd_value_is_refused_in_one_short_line(case: str) -> None:
    content = yaml.safe_load(FLEET)
    content["models"]["fraud"] |= yaml.safe_load(case)
    lines = told(yaml.safe_dump(content))
    found = [line for line in lines if ABSURD[case] in line]
    assert found, lines
    assert all(len(line) < 300 for line in lines)


def test_a_folder_of_five_thousand_characters_is_refused() -> None:
    content = yaml.safe_load(FLEET)
    content["models"]["fraud"]["logs"] |= {"path": LONG}
    (line,) = told(yaml.safe_dump(content))
    assert "models.fraud.logs.path: string should have at most 1024 characters" in line


def test_the_example_documents_lie_within_the_bounds() -> None:
    assert config.Document.model_validate(yaml.safe_load(FLEET))
