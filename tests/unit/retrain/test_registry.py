"""Stages and names."""

from __future__ import annotations

import itertools

import pytest

from engine.errors import Refused
from retrain.registry import MOVES, Stage, check_name, check_version, move


@pytest.mark.parametrize(("before", "after"), list(itertools.product(Stage, Stage)))
def test_moves_follow_the_table(before: Stage, after: Stage) -> None:
    if before is after or after in MOVES[before]:
        assert move(before, after) is after
    else:
        with pytest.raises(Refused, match=f"stage {before} -> {after}"):
            move(before, after)


def test_a_candidate_cannot_jump_into_production() -> None:
    with pytest.raises(Refused):
        move(Stage.candidate, Stage.production)


@pytest.mark.parametrize("name", ["Arrival", "-a", "", "a" * 64, "a_b", "a/b", "a\n"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(Refused, match="model name"):
        check_name(name)


@pytest.mark.parametrize("version", ["", ".hidden", "a/b", "..", "v" * 64])
def test_bad_versions_are_refused(version: str) -> None:
    with pytest.raises(Refused, match="version"):
        check_version(version)
