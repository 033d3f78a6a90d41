"""One API version for a resource type and everything below it, in all templates."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

INFRA = Path(__file__).parents[2] / "infra"
TYPED = re.compile(r"'([\w.]+/\w+)(?:/\w+)*@(\d{4}-\d\d-\d\d(?:-preview)?)'")
#: A function that asks a resource is given a version of its own: `list(id, '2025-03-01')`.
ASKED = re.compile(r"\b(?:list\w*|reference)\([^)]*?'(\d{4}-\d\d-\d\d(?:-preview)?)'")
#: The only version of the type that knows categories (Microsoft Learn, diagnostic settings).
PREVIEWS = {"Microsoft.Insights/diagnosticSettings": {"2021-05-01-preview"}}


def versions(sources: Iterable[str]) -> dict[str, set[str]]:
    """The versions of every type, under the type at the root of its name."""
    found: dict[str, set[str]] = {}
    for source in sources:
        for kind, version in TYPED.findall(source):
            found.setdefault(kind, set()).add(version)
    return found


def faults(sources: list[str]) -> list[str]:
    """Types with several versions, previews, and versions that are asked for and not declared."""
    known = versions(sources)
    several = [kind for kind, found in known.items() if len(found) > 1]
    previews = [
        kind
        for kind, found in known.items()
        if any(version.endswith("-preview") for version in found) and found != PREVIEWS.get(kind)
    ]
    declared = {version for found in known.values() for version in found}
    asked = {version for source in sources for version in ASKED.findall(source)}
    return [*several, *previews, *sorted(asked - declared)]


def test_a_type_has_one_version() -> None:
    sources = [path.read_text() for path in sorted(INFRA.rglob("*.bicep"))]
    assert len(versions(sources)) > 15
    assert faults(sources) == []


@pytest.mark.parametrize(
    ("sources", "found"),
    [
        (["'A.B/c@2025-01-01'", "'A.B/c@2025-01-01'"], []),
        (["'A.B/c@2025-01-01'", "'A.B/c@2024-01-01'"], ["A.B/c"]),
        (["'A.B/c@2025-01-01'\n'A.B/c/d@2024-01-01'"], ["A.B/c"]),
        (["'A.B/c/d@2025-01-01'", "'A.B/c/e/f@2024-01-01'"], ["A.B/c"]),
        (["'A.B/c@2025-01-01'", "'A.B/other@2024-01-01'"], []),
        (["'A.B/c@2025-01-01-preview'"], ["A.B/c"]),
        (["'Microsoft.Insights/diagnosticSettings@2021-05-01-preview'"], []),
        (["'A.B/c@2025-01-01'\nlist('${c.id}/d', '2025-01-01')"], []),
        (["'A.B/c@2025-01-01'\nlist('${c.id}/d', '2024-01-01')"], ["2024-01-01"]),
        (["'A.B/c@2025-01-01'\nlistKeys(c.id, '2024-01-01')"], ["2024-01-01"]),
    ],
)
def test_a_second_version_is_seen(sources: list[str], found: list[str]) -> None:
    assert faults(sources) == found
