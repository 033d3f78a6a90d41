"""Faults of a document: each at the path as it is written, whatever pydantic calls the place."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError

from engine.policy import Policy
from fleet.document.faults import faults, suggestion
from fleet.document.text import parse
from monitoring.alerts.lifecycle import Kind


class Header(Policy):
    value: str
    note: str | None = None


class Post(Policy):
    kind: Literal["post"]
    headers: dict[str, Header] = Field(default_factory=dict)


class Mail(Policy):
    kind: Literal["mail"]
    to: tuple[str, ...] = Field(min_length=1)


Way = Annotated[Post | Mail, Field(discriminator="kind")]


class Ways(Policy):
    first: Way
    spare: Way | None = None
    named: dict[str, Way] = Field(default_factory=dict)
    listed: tuple[Way, ...] = ()
    only: Literal[Kind.DRIFT, Kind.SLO] | None = None
    plain: Literal["a", "b"] = "a"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("first: {kind: mail}", "first: kind mail needs a to"),
        ("first: {kind: fax}", "first.kind: input should be 'post' or 'mail'"),
        ("first: {kind: mail, to: [1]}", "first.to.0: input should be a valid string"),
        ("first: {kind: post, heads: {}}", "first.heads: unknown field, did you mean 'headers'?"),
        ("first: {kind: post, headers: {mail: {}}}", "first.headers.mail.value: is missing"),
        (
            "first: {kind: post, headers: {post: {value: x, nte: y}}}",
            "first.headers.post.nte: unknown field, did you mean 'note'?",
        ),
        ("spare: {kind: mail}", "spare: kind mail needs a to"),
        ("named: {post: {kind: mail}}", "named.post: kind mail needs a to"),
        ("listed: [{kind: post}, {kind: mail}]", "listed.1: kind mail needs a to"),
        ("listed: [{}]", "listed.0.kind: is missing"),
        ("only: drfit", "only: input should be 'drift' or 'slo'"),
        ("plain: c", "plain: input should be 'a' or 'b'"),
    ],
)
def test_a_fault_in_a_variant_is_told_at_its_own_field(line: str, expected: str) -> None:
    first = "" if line.startswith("first") else "first: {kind: post}\n"
    text, found = parse(first + line, "ways.yaml")
    assert found == []
    with pytest.raises(ValidationError) as refused:
        Ways.model_validate(text.value)
    at = 2 if first else 1
    assert [str(one) for one in faults(text, Ways, refused.value)] == [
        f"ways.yaml:{at}: {expected}"
    ]


def test_the_nearest_word_is_suggested_or_all_are_named() -> None:
    assert suggestion("weigth", ["weight", "hold"]) == ", did you mean 'weight'?"
    assert suggestion("zzz", ["weight", "hold"]) == "; known are hold, weight"
