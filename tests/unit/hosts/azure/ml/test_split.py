from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import Refused
from hosts.azure.ml.split import (
    KEY,
    PAST_KEPT,
    TAG_LENGTH,
    Foreign,
    Move,
    Record,
    Split,
    decide,
    explained,
    following,
)

OLD, NEW, OTHER = (Split.of({"a": n, "b": 100 - n}, {}) for n in (90, 50, 30))
RECORD = Record(OLD, "k1")

shares = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 100), max_size=3)
splits = st.builds(Split.of, shares, shares)
keys = st.sampled_from([f"run-{n}:canary:{n}" for n in range(5)])
records = st.none() | st.builds(Record, splits, keys)


def test_zeros_and_cases_make_no_difference() -> None:
    assert Split.of({"A": 100, "b": 0}, None) == Split.of({"a": 100}, {})


@settings(deadline=None, max_examples=60)
@given(splits, records, splits, keys, st.sampled_from(Foreign))
def test_a_repeat_of_what_was_done_does_nothing(
    held: Split, record: Record, wanted: Split, key: str, policy: Foreign
) -> None:
    move = decide(held, record, wanted, key, policy)
    if move in (Move.keep, Move.hold):
        return
    after = following(record, held, wanted, key, move, policy)
    assert decide(after.split, after, wanted, key, policy) is Move.keep


@settings(deadline=None, max_examples=60)
@given(records.filter(bool), st.lists(keys, max_size=4))
def test_replaced_keys_are_late_and_the_present_one_is_not(
    record: Record, replaced: list[str]
) -> None:
    after = record.replacing(replaced)
    assert all(after.superseded(key) for key in replaced if key != record.key)
    assert not after.superseded(record.key)
    assert after.replacing(replaced) == after
    assert Record.read(after.tags({})) == after


@settings(deadline=None, max_examples=60)
@given(splits, records, splits, keys)
def test_holding_never_writes_over_what_we_did_not_write(
    held: Split, record: Record, wanted: Split, key: str
) -> None:
    unexplained = record is not None and held != wanted and not explained(held, record)
    assert (decide(held, record, wanted, key, Foreign.hold) is Move.hold) == unexplained


@settings(deadline=None, max_examples=60)
@given(records.filter(bool), st.dictionaries(st.sampled_from(["x", "y"]), st.text()))
def test_a_record_comes_back_from_the_tags(record: Record, others: dict[str, str]) -> None:
    tags = record.tags(others)
    assert Record.read(tags) == record
    assert others.items() <= tags.items()
    assert Record.read(record.tags(tags)) == record


@pytest.mark.parametrize(
    ("policy", "move"),
    [(Foreign.hold, Move.hold), (Foreign.adopt, Move.adopt), (Foreign.revert, Move.write)],
)
def test_the_policy_decides_about_what_nothing_explains(policy: Foreign, move: Move) -> None:
    assert decide(OTHER, RECORD, NEW, "k2", policy) is move
    assert decide(OLD, RECORD, NEW, "k2", policy) is Move.write
    assert decide(OTHER, None, NEW, "k2", policy) is Move.write


def test_keys_are_remembered_and_bounded() -> None:
    record: Record | None = None
    for n in range(3 * PAST_KEPT):
        record = following(record, OLD, OLD, f"key-{n}", Move.write, Foreign.hold)
        record = following(record, OLD, OLD, f"key-{n}", Move.write, Foreign.hold)
    assert record is not None
    assert len(record.past) == PAST_KEPT
    assert record.superseded(f"key-{3 * PAST_KEPT - 2}")
    assert not record.superseded(f"key-{3 * PAST_KEPT - 1}")
    assert not record.superseded("key-new")
    assert all(len(value) <= TAG_LENGTH for value in record.tags({}).values())


def test_a_key_longer_than_a_tag_is_the_same_key_again() -> None:
    long = "k" * 300
    record = following(None, Split(), OLD, long, Move.write, Foreign.hold)
    assert len(record.tags({})[KEY]) <= TAG_LENGTH
    assert decide(OLD, record, OLD, long, Foreign.hold) is Move.keep
    after = following(record, OLD, NEW, "k2", Move.write, Foreign.hold)
    assert after.superseded(long)


def test_a_split_too_long_for_a_tag_is_refused() -> None:
    wide = Split.of({f"deployment-number-{n:012}": 10 for n in range(10)}, {})
    with pytest.raises(Refused, match="over the 256 characters"):
        Record(wide, "k").tags({})
