"""Stages and names of model versions in a registry."""

from __future__ import annotations

import re
from enum import StrEnum

from engine.errors import Refused

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


class Stage(StrEnum):
    """The stage of a version; at most one version of a model is in production."""

    candidate = "candidate"
    staging = "staging"
    production = "production"
    archived = "archived"


MOVES: dict[Stage, frozenset[Stage]] = {
    Stage.candidate: frozenset({Stage.staging, Stage.archived}),
    Stage.staging: frozenset({Stage.production, Stage.candidate, Stage.archived}),
    Stage.production: frozenset({Stage.archived}),
    # An operator may put an archived version back into service, or back on trial.
    Stage.archived: frozenset({Stage.production, Stage.staging, Stage.candidate}),
}


def move(before: Stage, after: Stage) -> Stage:
    """`after`, if a version may go there from `before`; staying is always legal.

    Raises
    ------
    Refused
        When the move is not in `MOVES`.
    """
    if before is after or after in MOVES[before]:
        return after
    legal = ", ".join(sorted(MOVES[before]))
    raise Refused(f"stage {before} -> {after}: not a legal move; from {before} go to {legal}")


def check_name(name: str) -> str:
    """`name`, if it is a legal model name (lower case letters, digits, dashes; at most 63).

    >>> check_name("arrival-delay")
    'arrival-delay'
    """
    if NAME.fullmatch(name) is None:
        raise Refused(f"model name {name!r}: use a-z, 0-9 and '-', at most 63 characters")
    return name


def check_version(version: str) -> str:
    """`version`, if it is legal (letters, digits, dot, dash, underscore; at most 63).

    >>> check_version("2024.06-r2")
    '2024.06-r2'
    """
    if VERSION.fullmatch(version) is None:
        raise Refused(
            f"version {version!r}: use letters, digits, '.', '_' and '-', at most 63 characters"
        )
    return version
