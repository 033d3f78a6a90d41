"""Texts that nobody means: each is read, or refused in lines with their places."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.document.objectives import objectives
from fleet.document.text import Path, Text, parse_all
from monitoring.slo.definition import Level
from monitoring.slo.openslo.documents import Reading, read
from tests.unit.monitoring.slo.openslo.cases import CALENDAR, LIMITED, SLICED, TEXT, edited

#: Values that YAML can hold, none of which means anything in most fields.
ODD: list[Any] = [
    float("inf"), float("-inf"), float("nan"), 1e20, 1e308, 5e-324, -1, 0, 10**30, 16**5000, True,
    None, "", " ", "x" * 2000, [], [1], {}, {"a": 1}, {"spec": {}}, b"x", date(2026, 1, 1), "\n",
    "a\0", [[]], "0d", "999999Y", "٣d", "-0.0", [{}], "../etc", "\u202e", "{{.window}}",
]  # fmt: skip
VARIANTS = {
    "plain": edited(),
    "sliced": edited(*SLICED),
    "limited": edited(*LIMITED),
    "calendar": edited(CALENDAR, ("28d", "1M")),
}


def sound(found: Reading) -> None:
    """Check that every problem is one short line with its place."""
    for problem in found.problems:
        assert problem.line >= 1
        assert problem.text.isprintable()
        assert len(problem.text) < 600
    assert found.problems == tuple(dict.fromkeys(found.problems))


def paths(value: object, at: Path = ()) -> list[Path]:
    """Return the path of every value in a document."""
    inner: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [at, *(path for key, child in inner for path in paths(child, (*at, key)))]


def changed(value: Any, path: Path, odd: object) -> Any:
    """Return a copy with the value at a path replaced."""
    if not path:
        return odd
    copy = value.copy()
    copy[path[0]] = changed(copy[path[0]], path[1:], odd)
    return copy


def replaced(variant: str, every: int) -> None:
    """Read a text with odd values in the place of each of its values, one of `every` of them."""
    documents, _ = parse_all(VARIANTS[variant], "slo.yaml")
    turn = 0
    for number, text in enumerate(documents):
        for path in paths(text.value):
            for odd in ODD:
                turn += 1
                if turn % every == 0:
                    value = changed(text.value, path, odd)
                    other = Text("slo.yaml", value, text.lines, text.numerals)
                    sound(read([*documents[:number], other, *documents[number + 1 :]]))


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_no_odd_value_anywhere_is_more_than_a_line(variant: str) -> None:
    replaced(variant, 1)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_sample_of_odd_values_is_no_more_than_a_line(variant: str) -> None:
    replaced(variant, 31)


def test_every_missing_field_is_a_default_or_told() -> None:
    documents, _ = parse_all(TEXT, "slo.yaml")
    for number, text in enumerate(documents):
        for path in paths(text.value):
            if path and isinstance(path[-1], str):
                value = changed(text.value, path, None)
                found = read(
                    [
                        *documents[:number],
                        Text("slo.yaml", value, text.lines),
                        *documents[number + 1 :],
                    ]
                )
                sound(found)
                assert found.slos or found.errors or path[0] == "kind", path


LINES = TEXT.splitlines(keepends=True)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_no_mutation_of_the_text_ends_in_an_unexpected_error(data: st.DataObject) -> None:
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.integers(0, 4)):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, lines[data.draw(st.integers(0, len(lines) - 1))])
            case 2:
                lines[at] = lines[at].replace(":", data.draw(st.text(max_size=3)), 1)
            case 3:
                lines[at] = data.draw(st.text(max_size=30)) + lines[at]
            case _:
                lines[at] = " " * data.draw(st.integers(0, 6)) + lines[at]
        if not lines:
            return
    found = objectives([("slo.yaml", "".join(lines))])
    sound(found)
    assert bool(found.slos) or bool(found.problems) or "kind: SLO\n" not in lines


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(VALUES, st.sampled_from(["SLO", "SLI", "AlertPolicy", "AlertCondition", "Service"]))
def test_no_specification_ends_in_an_unexpected_error(spec: object, kind: str) -> None:
    document = {"apiVersion": "openslo/v1", "kind": kind, "metadata": {"name": "x"}, "spec": spec}
    sound(objectives([("slo.yaml", yaml.safe_dump(document, allow_unicode=True))]))


def test_many_references_and_many_faults_are_bounded() -> None:
    indicators = "---\n".join(
        f"apiVersion: openslo/v1\nkind: SLI\nmetadata: {{name: i{n}}}\nspec: {{}}\n"
        for n in range(1500)
    )
    found = objectives([("slo.yaml", indicators)])
    assert len(found.errors) == 101
    assert all(problem.level is Level.ERROR for problem in found.problems)


@pytest.mark.parametrize(
    ("before", "entry", "said"),
    [
        (
            "    - target: 0.999\n",
            "    - target: 0.9{n:03}\n",
            "objectives: 51 entries; 50 at most",
        ),
        ("    - alertPolicyRef: burning\n", "    - alertPolicyRef: b{n}\n", "alertPolicies: 51 e"),
        ("    - conditionRef: fast\n", "    - conditionRef: c{n}\n", "conditions: 51 entries; 50"),
        ("    - targetRef: duty\n", "    - targetRef: t{n}\n", "notificationTargets: 51 entries"),
    ],
)
def test_lists_are_bounded(before: str, entry: str, said: str) -> None:
    text = edited((before, "".join(entry.format(n=n) for n in range(51))))
    (problem,) = objectives([("slo.yaml", text)]).errors
    assert said in problem.text


def test_warnings_are_bounded() -> None:
    labels = "".join(f"    k{n}: {n}\n" for n in range(1500))
    text = "apiVersion: openslo/v1\nkind: Service\nmetadata:\n  name: a\n  labels:\n" + labels
    found = objectives([("slo.yaml", text)])
    assert len(found.problems) == 1001
    assert found.problems[-1].text == "more than 1,000 warnings; no more are told"


def test_aliases_cannot_multiply_objects() -> None:
    text = "a: &a [1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 8)}]\n"
        for before, name in zip("abcdefg", "bcdefgh", strict=True)
    )
    (problem,) = objectives([("slo.yaml", text)]).problems
    assert "more than 50,000 values, with aliases" in problem.text
