"""The split of an endpoint's traffic, and the record of the intended split in its tags."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from engine.errors import Refused
from engine.store import instant, parse_instant

RUN = "driftwarden.run"
KEY = "driftwarden.key"
PAST = "driftwarden.past"
WEIGHTS = "driftwarden.weights"
SHADOW = "driftwarden.shadow"
FOREIGN = "driftwarden.foreign"
AT = "driftwarden.at"
#: "Use tags to organize your Azure resources" (Microsoft Learn): a tag's value has at most 256
#: characters.
TAG_LENGTH = 256
DIGEST = 10
PAST_KEPT = TAG_LENGTH // (DIGEST + 1)


class Foreign(StrEnum):
    """The treatment of a split that somebody else set."""

    hold = "hold"
    adopt = "adopt"
    revert = "revert"


@dataclass(frozen=True)
class Split:
    """Whole percent by deployment: of the live traffic, and of a copy of it."""

    weights: Mapping[str, int] = field(default_factory=dict)
    mirror: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, weights: Mapping[str, int] | None, mirror: Mapping[str, int] | None) -> Split:
        """Return the split without zeros, in lower case as azure-ai-ml writes names."""
        return cls(_whole(weights), _whole(mirror))

    def __str__(self) -> str:
        mirrored = f", mirrored {_text(self.mirror)}" if self.mirror else ""
        return (_text(self.weights) or "no traffic") + mirrored


@dataclass(frozen=True)
class Record:
    """The tags of an endpoint: the split last intended, and the keys that requested one.

    `past` are digests of superseded keys, the newest last; `foreign` describes somebody else's
    split found while `key` was carried out, and its treatment. `at` is the time of the write.
    """

    split: Split
    key: str = ""
    past: tuple[str, ...] = ()
    foreign: str = ""
    at: datetime | None = None

    @classmethod
    def read(cls, tags: Mapping[str, str] | None) -> Record | None:
        """Return the record; None where Driftwarden never set the traffic."""
        tags = tags or {}
        if KEY not in tags:
            return None
        split = Split(_parsed(tags.get(WEIGHTS, "")), _parsed(tags.get(SHADOW, "")))
        past, foreign = tuple(tags.get(PAST, "").split()), tags.get(FOREIGN, "")
        return cls(split, tags[KEY], past, foreign, _moment(tags.get(AT, "")))

    def superseded(self, key: str) -> bool:
        """Tell whether a key is a late repeat: another key came after it."""
        return _tag(key) != self.key and _digest(key) in self.past

    def replacing(self, keys: Sequence[str]) -> Record:
        """Return the record to which `keys` are superseded, even if they were never carried out."""
        late = dict.fromkeys(_digest(key) for key in keys if _tag(key) != self.key)
        fresh = [digest for digest in late if digest not in self.past]
        return replace(self, past=(*self.past, *fresh)[-PAST_KEPT:])

    def tags(self, tags: Mapping[str, str] | None) -> dict[str, str]:
        """Return an endpoint's `tags` with this record among them."""
        ours = {
            RUN: _tag(self.key.split(":")[0]),
            KEY: self.key,
            PAST: " ".join(self.past),
            WEIGHTS: _text(self.split.weights),
            SHADOW: _text(self.split.mirror),
            FOREIGN: self.foreign,
            AT: "" if self.at is None else instant(self.at),
        }
        for name, value in ours.items():
            if len(value) > TAG_LENGTH:
                raise Refused(f"{name}={value}: over the {TAG_LENGTH} characters of a tag")
        others = {name: value for name, value in (tags or {}).items() if name not in ours}
        return others | {name: value for name, value in ours.items() if value}


@dataclass(frozen=True)
class Request:
    """A split that is asked for under `key`, in place of the keys in `replaces`.

    Nothing but the write may hold a `retreat` up.
    """

    split: Split
    key: str
    replaces: tuple[str, ...] = ()
    retreat: bool = False


class Move(StrEnum):
    """The decision on an endpoint's split, its record and the requested split."""

    keep = "keep"
    write = "write"
    hold = "hold"
    adopt = "adopt"


def decide(held: Split, record: Record | None, wanted: Split, key: str, policy: Foreign) -> Move:
    """Decide how to set `wanted`, unless somebody else's split is to be kept."""
    if record is not None and record.key == _tag(key):
        adopted = record.foreign.startswith(Foreign.adopt) and held == record.split
        if adopted or held == wanted == record.split:
            return Move.keep
    if record is None or held == wanted or explained(held, record):
        return Move.write
    match policy:
        case Foreign.revert:
            return Move.write
        case Foreign.hold:
            return Move.hold
        case Foreign.adopt:
            # Without any traffic there is nothing to adopt.
            return Move.adopt if held.weights else Move.hold


def explained(held: Split, record: Record) -> bool:
    """Tell whether a split is the recorded one.

    A missing mirror is expected: older tools and the Studio drop it silently
    ("Perform safe rollout of new deployments for real-time inference", Microsoft Learn).
    """
    return held.weights == record.split.weights and held.mirror in ({}, record.split.mirror)


def following(
    record: Record | None, held: Split, wanted: Split, key: str, move: Move, policy: Foreign
) -> Record:
    """Return the record after `key`: the split, and a note on a foreign one."""
    named = _tag(key)
    left = held if move is Move.adopt else wanted
    if record is None:
        return Record(left, named)
    repeated = record.key == named
    foreign = record.foreign if repeated else ""
    if held != wanted and not explained(held, record):
        foreign = f"{policy}: {held} found instead of {record.split}"[:TAG_LENGTH]
    past = record.past if repeated else (*record.past, _digest(record.key))[-PAST_KEPT:]
    return Record(left, named, past, foreign)


def _whole(shares: Mapping[str, int] | None) -> dict[str, int]:
    return {name.lower(): int(share) for name, share in (shares or {}).items() if share}


def _text(shares: Mapping[str, int]) -> str:
    return " ".join(f"{name}={shares[name]}" for name in sorted(shares))


def _parsed(text: str) -> dict[str, int]:
    pairs = (part.rpartition("=") for part in text.split())
    return {name: int(share) for name, _, share in pairs if share.isdigit()}


def _moment(text: str) -> datetime | None:
    try:
        found = parse_instant(text)
    except ValueError:
        # Anybody may edit a tag, and older versions wrote none.
        return None
    return found if found.tzinfo is not None else None


def _tag(text: str) -> str:
    return text if len(text) <= TAG_LENGTH else hashlib.sha256(text.encode()).hexdigest()


def _digest(key: str) -> str:
    return hashlib.sha256(_tag(key).encode()).hexdigest()[:DIGEST]
