"""The faults of a drill: each is played against a scratch fleet, until somebody was told."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from commands.drill.scratch import DAY, HOUR, MODEL, Changes, Scratch, rows_of
from fleet.partitions import ONCALL

#: Nothing listens on the port for "discard" (RFC 863) of this machine.
NOBODY = "http://127.0.0.1:9/"
#: More than any field of an event may have.
OVERSIZED = "x" * 100_000
#: Writes beyond this many bytes of a file fail while the disk is full.
FULL_BYTES = 4096


@dataclass(frozen=True)
class Begun:
    """A fault that was made to happen: when, what the daemon showed of it, and to whom."""

    at: datetime
    seen: str
    told: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes
    ----------
    about : what happens, in a few words.
    play : makes it happen.
    changes : what it changes in the scratch fleet; gets the team's page receivers.
    """

    about: str
    play: Callable[[Scratch], Begun]
    changes: Callable[[Sequence[str]], Changes] = lambda _: Changes()


def _first_is_down(receivers: Sequence[str]) -> Changes:
    return Changes(receivers={receivers[0]: {"kind": "webhook", "url": NOBODY}})


def _receiver_down(scratch: Scratch) -> Begun:
    """A feature vanishes for a day, which pages."""
    today = scratch.clock.moment
    scratch.play(today + 18 * HOUR)
    scratch.serve(rows_of(today, 1, blind=True), today)
    scratch.play(today + 2 * DAY)
    (paged, *_) = scratch.lines(ONCALL, "page")
    health = scratch.get("/healthz").status
    told = ("/healthz",) if health == 503 else ()
    return Begun(paged.at, f"{paged.line['receiver']} refuses connections, /healthz {health}", told)


def _event(**fields: Any) -> dict[str, Any]:
    return {"type": "Driftwarden.RetrainRequested", "source": "/drill", **fields}


def _poisoned_event(scratch: Scratch) -> Begun:
    status = scratch.post(_event(data={"model": MODEL})).status
    return Begun(scratch.clock.moment, f"an event without an id: {status}, journalled as parked")


def _oversized_fact(scratch: Scratch) -> Begun:
    event = _event(id="oversized", data={"model": MODEL, "reason": OVERSIZED})
    status = scratch.post(event).status
    return Begun(scratch.clock.moment, f"a reason of 100,000 characters: {status}, parked")


def _clock_back(scratch: Scratch) -> Begun:
    scratch.post({"id": "drill", "type": "Drill.Unknown", "source": "/drill"})
    scratch.play(scratch.clock.moment + HOUR)
    scratch.clock.moment -= DAY
    scratch.tick()
    return Begun(scratch.clock.moment, "the clock is a day behind the newest record")


def _disk_full(scratch: Scratch) -> Begun:
    event = _event(id="full", data={"model": MODEL})
    with _full_disk():
        refused, health = scratch.post(event).status, scratch.get("/healthz").status
    again = scratch.post(event).status
    seen = f"event {refused}, /healthz {health}; with room again: event {again}"
    told = ((f"sender ({refused})", refused >= 500), ("/healthz", health == 503))
    # A refusal is no help where the event is not taken in when there is room.
    heard = tuple(who for who, was_told in told if was_told and again < 300)
    return Begun(scratch.clock.moment, seen, heard)


@contextmanager
def _full_disk() -> Iterator[None]:
    """Let every write beyond the first bytes of a file fail, as on a disk without room."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FULL_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _hanging_model(scratch: Scratch) -> Begun:
    """The scores of the reference are wanted as soon as the fleet begins."""
    return Begun(scratch.began, "its scores never come: the worker is killed")


def _failing_training(scratch: Scratch) -> Begun:
    at = scratch.clock.moment
    scratch.command("retrain")
    return Begun(at, "the training's command exits with 1")


FAULTS: dict[str, Fault] = {
    "receiver-down": Fault("the first receiver of a page is down", _receiver_down, _first_is_down),
    "poisoned-event": Fault("an event is malformed", _poisoned_event),
    "oversized-fact": Fault("an event has a field of 100 KB", _oversized_fact),
    "clock-back": Fault("the clock goes back by a day", _clock_back),
    "disk-full": Fault("the store's disk is full", _disk_full),
    "model-hanging": Fault(
        "the model's process never answers", _hanging_model, lambda _: Changes(hangs=True)
    ),
    "training-fails": Fault("a training fails", _failing_training),
}
