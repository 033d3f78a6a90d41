"""Pages that are made from the code are those that the code makes now."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet.document.config import Document
from fleet.published import CATALOGUE

PAGES = (
    "docs/policy.md",
    "docs/states.md",
    "docs/fleet.schema.json",
    "docs/events.md",
    "docs/telemetry.md",
    *(f"docs/events/{shape.file}" for shape in CATALOGUE.values()),
)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_what_the_code_says(page: str, render: Any, root: Path) -> None:
    written = (root / page).read_text(encoding="utf-8")
    assert written == render.PAGES[page](), "run `python tests/docs/render.py`"


def test_every_rendered_page_is_compared(render: Any) -> None:
    assert set(PAGES) == set(render.PAGES)


def test_no_schema_is_left_of_an_event_that_went(root: Path) -> None:
    written = {f"docs/events/{path.name}" for path in (root / "docs/events").iterdir()}
    assert written <= set(PAGES)


def test_every_field_has_a_description(render: Any) -> None:
    for path, policy in render._policies("", Document):
        for name, field in policy.model_fields.items():
            assert field.description or render._policies_of(field), f"{path}.{name}"


def _fits(value: object, shape: dict[str, Any], schema: dict[str, Any], path: str = "") -> None:
    """The part of JSON Schema that the document's schema uses, strict about names."""
    if "anyOf" in shape and value is not None:
        shape = shape["anyOf"][0]
    if "oneOf" in shape:
        told_apart = shape["discriminator"]
        kind = value[told_apart["propertyName"]] if isinstance(value, dict) else None
        assert kind in told_apart["mapping"], f"{path}: {kind}"
        shape = {"$ref": told_apart["mapping"][kind]}
    if "$ref" in shape:
        shape = schema["$defs"][shape["$ref"].rsplit("/", 1)[1]]
    if isinstance(value, dict):
        absent = set(shape.get("required", ())) - value.keys()
        assert not absent, f"{path}: {absent}"
        for name, inner in value.items():
            below = shape.get("properties", {}).get(name) or _named(shape)
            assert below is not None, f"{path}.{name}"
            _fits(inner, below, schema, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            _fits(inner, shape.get("items", {}), schema, path)


def _named(shape: dict[str, Any]) -> dict[str, Any] | None:
    (pattern,) = shape.get("patternProperties", {"": None}).values()
    more = shape.get("additionalProperties")
    return pattern or (more if isinstance(more, dict) else None)


@pytest.mark.parametrize("file", ["fleet.example.yaml", "examples/flights/fleet.yaml"])
def test_the_schema_takes_the_examples(file: str, root: Path) -> None:
    schema = json.loads((root / "docs/fleet.schema.json").read_text(encoding="utf-8"))
    document = yaml.safe_load((root / file).read_text(encoding="utf-8"))
    _fits(document, schema, schema)


def test_the_schema_refuses_a_misspelt_field(root: Path) -> None:
    schema = json.loads((root / "docs/fleet.schema.json").read_text(encoding="utf-8"))
    document = yaml.safe_load((root / "fleet.example.yaml").read_text(encoding="utf-8"))
    document["models"]["churn"]["rollout"]["weigths"] = []
    with pytest.raises(AssertionError, match="weigths"):
        _fits(document, schema, schema)
    assert schema["$defs"]["ModelPolicy"]["additionalProperties"] is False


def test_the_schema_refuses_a_name_that_is_none(root: Path) -> None:
    tops = json.loads((root / "docs/fleet.schema.json").read_text(encoding="utf-8"))["properties"]
    for named in ("models", "teams", "calendars", "receivers"):
        assert tops[named]["additionalProperties"] is False
        (pattern,) = tops[named]["patternProperties"]
        assert re.search(pattern, "churn-2")
        assert not re.search(pattern, "Bad Name")
