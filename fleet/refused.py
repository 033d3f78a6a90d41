"""Rejected input: a fact for the journal, and a message for the sender."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from engine.step import Delivery
from engine.store import instant
from engine.texts import cut, storable
from fleet.model.facts import Parked

#: A storage queue takes 64 KiB of Base64.
MAX_MESSAGE = 48 * 1024
MAX_REASON = 500
MAX_ID = 200
# Escaped quotes may double the size of a cut text; the rest holds the reason.
CUT = (MAX_MESSAGE - 16 * MAX_REASON) // 2


def delivery(partition: str, content: object, reason: str) -> Delivery:
    """Return the fact for the journal; the same content and reason give the same delivery."""
    name = content.get("id", "") if isinstance(content, Mapping) else ""
    digest = sha256(f"{_text(content)}\n{storable(reason)}".encode()).hexdigest()
    parked = Parked(cut(str(name), MAX_ID), cut(reason, MAX_REASON))
    return Delivery(partition, f"parked:{digest}", parked)


def message(content: object, reason: str, now: datetime) -> str:
    """Return JSON {reason, at, event} of at most 48 KiB; a larger event is cut, as text."""
    told = {"reason": cut(reason, MAX_REASON), "at": instant(now)}
    text = _text(content)
    whole = f'{json.dumps(told)[:-1]}, "event": {text}}}'
    return whole if len(whole) <= MAX_MESSAGE else json.dumps({**told, "event": f"{text[:CUT]}…"})


def _text(content: object) -> str:
    """Write anything as JSON in ASCII."""
    try:
        return json.dumps(content, sort_keys=True, default=str)
    except RecursionError:
        return json.dumps(f"{type(content).__name__}, nested too deeply to be shown")
