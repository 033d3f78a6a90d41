from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.errors import Refused, Unavailable
from hosts.local.functions.messages import MAX_BODY, Message
from hosts.local.functions.queues import LEASE, Queues
from hosts.local.functions.timers import Status

NOW = datetime(2013, 7, 4, 12, 0, 0, 250_001, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "store.db"


@pytest.fixture
def queues(path: Path) -> Iterator[Queues]:
    opened = Queues(path)
    yield opened
    opened.close()


def bodies(messages: list[Message]) -> list[bytes]:
    return [message.body for message in messages]


def test_first_in_first_out_by_id(queues: Queues) -> None:
    for number in range(5):
        queues.put("work", f"{number}", NOW + timedelta(seconds=-number))
    assert bodies(queues.get("work", NOW, 3)) == [b"0", b"1", b"2"]
    assert bodies(queues.get("work", NOW, 3)) == [b"3", b"4"]
    assert queues.get("work", NOW, 3) == []


def test_a_message_keeps_its_times_and_counts_its_tries(queues: Queues) -> None:
    queues.put("work", b"\x00\xff", NOW)
    [message] = queues.get("work", NOW, 16)
    assert (message.inserted, message.visible) == (NOW, NOW + LEASE)
    assert (message.body, message.tries, message.reason) == (b"\x00\xff", 1, "")
    assert queues.get("work", NOW + LEASE - SECOND, 16) == []
    [again] = queues.get("work", NOW + LEASE, 16)
    assert (again.id, again.tries) == (message.id, 2)
    assert again.receipt != message.receipt


def test_visible_at_holds_a_message_back(queues: Queues) -> None:
    queues.put("work", "later", NOW, visible_at=NOW + SECOND)
    queues.put("work", "now", NOW)
    assert queues.next_visible("work") == NOW
    assert bodies(queues.get("work", NOW, 16)) == [b"now"]
    assert bodies(queues.get("work", NOW + SECOND, 16)) == [b"later"]


def test_an_old_receipt_settles_nothing(queues: Queues) -> None:
    queues.put("work", "x", NOW)
    [old] = queues.get("work", NOW, 1)
    [new] = queues.get("work", NOW + LEASE, 1)
    assert not queues.delete(old)
    assert not queues.postpone(old, NOW)
    assert not queues.poison(old, "stale", NOW)
    assert queues.counts() == {"work": 1}
    assert queues.delete(new)
    assert not queues.delete(new)
    assert queues.counts() == {}


def test_postponed_messages_return_at_their_moment(queues: Queues) -> None:
    queues.put("work", "x", NOW)
    [message] = queues.get("work", NOW, 1)
    assert queues.postpone(message, NOW + 5 * SECOND)
    assert not queues.delete(message)
    assert queues.get("work", NOW + 4 * SECOND, 1) == []
    assert queues.get("work", NOW + 5 * SECOND, 1)[0].tries == 2


def test_poison_moves_the_body_with_the_reason(queues: Queues) -> None:
    queues.put("work", "bad", NOW)
    [message] = queues.get("work", NOW, 1)
    assert queues.poison(message, "ValueError: no such model", NOW + SECOND)
    assert queues.counts() == {"work-poison": 1}
    [parked] = queues.peek("work-poison")
    assert (parked.body, parked.reason) == (b"bad", "ValueError: no such model")
    assert (parked.tries, parked.inserted) == (0, NOW + SECOND)


def test_release_gives_back_what_a_dead_process_held(queues: Queues) -> None:
    for name in ("a", "b", "c"):
        queues.put("work", name, NOW)
    queues.put("work", "later", NOW, visible_at=NOW + SECOND)
    [first, _] = queues.get("work", NOW, 2)
    queues.postpone(first, NOW + SECOND)
    assert queues.release() == 1
    assert bodies(queues.get("work", NOW, 16)) == [b"b", b"c"]


def test_all_or_nothing(queues: Queues) -> None:
    with pytest.raises(Refused, match="49153 bytes"):
        queues.put_all([("work", "fine"), ("work", b"x" * (MAX_BODY + 1))], NOW)
    assert queues.counts() == {}
    queues.put_all([("work", b"x" * MAX_BODY), ("other", "y")], NOW)
    assert queues.counts() == {"other": 1, "work": 1}


@pytest.mark.parametrize("name", ["ab", "Work", "a--b", "-ab", "ab-", "a_b", "x" * 57, "é" * 5])
def test_names_storage_queues_refuse(queues: Queues, name: str) -> None:
    with pytest.raises(Refused, match="queue"):
        queues.put(name, "x", NOW)


def test_an_error_in_the_middle_of_a_batch_undoes_it(queues: Queues, path: Path) -> None:
    saboteur = sqlite3.connect(path)
    saboteur.execute(
        "create trigger sabotage before insert on host_messages when new.body = x'62'"
        " begin select raise(abort, 'sabotage'); end"
    )
    saboteur.commit()
    saboteur.close()
    with pytest.raises(sqlite3.IntegrityError):
        queues.put_all([("work", "a"), ("work", "b")], NOW)
    assert queues.counts() == {}
    queues.put("work", "c", NOW)
    assert queues.counts() == {"work": 1}


def test_two_processes_share_a_file(queues: Queues, path: Path) -> None:
    other = Queues(path, durable=False)
    other.put("work", "x", NOW)
    assert len(queues.get("work", NOW, 1)) == 1
    assert other.get("work", NOW, 1) == []
    other.close()


def test_a_locked_file_is_unavailable(
    queues: Queues, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hosts.local.functions.queue_file.BUSY_SECONDS", 0.05)
    hasty = Queues(path)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("begin immediate")
    with pytest.raises(Unavailable, match="locked"):
        hasty.put("work", "x", NOW)
    holder.execute("rollback")
    hasty.put("work", "x", NOW)
    assert queues.counts() == {"work": 1}
    holder.close()
    hasty.close()


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database, only a text of some length\n" * 50)
    with pytest.raises(Refused, match=r"notes\.txt"):
        Queues(tmp_path / "notes.txt")
    with pytest.raises(Refused):
        Queues(tmp_path)


def test_statuses_of_timers_are_saved(queues: Queues, path: Path) -> None:
    assert queues.read_status("tick") is None
    queues.write_status("tick", Status("0 * * * * *", None, NOW))
    queues.write_status("tick", Status("0 * * * * *", NOW, NOW + SECOND))
    other = Queues(path)
    assert other.read_status("tick") == Status("0 * * * * *", NOW, NOW + SECOND)
    other.close()


KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from hosts.local.functions.queues import Queues
queues = Queues(Path(sys.argv[1]))
now = datetime(2013, 7, 4, tzinfo=UTC)
for name in ("first", "second"):
    queues.put("work", name, now)
[message] = queues.get("work", now, 1)
print(message.body.decode(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.usefixtures("outside")
def test_killed_between_get_and_delete_the_message_comes_again(path: Path) -> None:
    died = subprocess.run(
        [sys.executable, "-c", KILLED, str(path)], capture_output=True, text=True, cwd=os.getcwd()
    )
    assert (died.returncode, died.stdout) == (-signal.SIGKILL, "first\n"), died.stderr
    queues = Queues(path)
    start = datetime(2013, 7, 4, tzinfo=UTC)
    assert bodies(queues.get("work", start, 16)) == [b"second"]
    again = queues.get("work", start + LEASE, 16)
    assert [(m.body, m.tries) for m in again] == [(b"first", 2), (b"second", 2)]
    queues.close()
