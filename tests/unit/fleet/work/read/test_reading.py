"""Ranges of log files: decoded, cut at the business zone's midnights, counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.errors import Refused
from fleet.document.policies import Fleet
from fleet.model.records import Collection, TrafficCount
from fleet.model.tasks import ReadLabels, ReadLog
from fleet.ports import World
from fleet.work import rows
from fleet.work.read import decoding
from fleet.work.read.reading import read_labels, read_log
from fleet.work.refer import referencing
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import Sketch, sketch
from monitoring.intake import arrow
from monitoring.metrics import Task

MIDNIGHT = datetime(2024, 3, 4, 23, tzinfo=UTC)  # in Berlin


@pytest.fixture
def reference(world: World) -> str:
    """The name of a reference whose ruler knows x and kind."""
    known = pa.table({"x": [float(i) for i in range(100)], "kind": ["a", "b"] * 50})
    ruler = Ruler.of(known)
    counted = world.blobs.put(sketch(known, ruler).to_bytes())
    return referencing.put(world.blobs, world.blobs.put(ruler.to_bytes()), [counted])


def line(name: str, at: datetime, *data: dict[str, Any]) -> bytes:
    found = {
        "specversion": "1.0", "correlationid": name, "time": at.isoformat(), "data": list(data),
    }  # fmt: skip
    return json.dumps(found).encode() + b"\n"


def log(
    path: str, kind: Collection, reference: str = "", start: int = 0, end: int = 10**6
) -> ReadLog:
    return ReadLog(path, start, end, kind, "v1", reference)


def test_lines_are_cut_at_the_midnight_of_the_business_zone(
    world: World, fleet: Fleet, reference: str
) -> None:
    content = b"".join(
        (
            line("a", MIDNIGHT - timedelta(microseconds=1), {"x": 1.0, "kind": "a"}),
            line("b", MIDNIGHT, {"x": 2.0, "kind": "b"}, {"x": None, "kind": "new"}),
        )
    )
    world.logs["f"] = content
    read = read_log(world, fleet.models["demand"], log("f", Collection.inputs, reference))
    assert (read.start, read.end, read.limit, read.bad) == (0, len(content), 10**6, 0)
    assert [(batch.window, batch.count) for batch in read.batches] == [
        ("2024-03-04", 1), ("2024-03-05", 2),
    ]  # fmt: skip
    first, second = read.batches
    assert rows.get(world.blobs, first.rows)["correlationid"].to_pylist() == ["a"]
    kept = rows.get(world.blobs, second.rows)
    assert kept["correlationid"].to_pylist() == ["b", "b"]
    assert kept["index"].to_pylist() == [0, 1]
    counted = Sketch.from_bytes(world.blobs.get(second.sketch))
    assert counted.rows == 2
    # The other model lives in UTC: one day holds them all.
    plain = read_log(world, fleet.models["fraud"], log("f", Collection.inputs, reference))
    assert [(batch.window, batch.count) for batch in plain.batches] == [("2024-03-04", 3)]


def test_a_range_ends_with_its_last_whole_line(world: World, fleet: Fleet, reference: str) -> None:
    whole = line("a", MIDNIGHT, {"x": 1.0})
    world.logs["f"] = whole + line("b", MIDNIGHT, {"x": 2.0})[:-5]
    model = fleet.models["demand"]
    read = read_log(world, model, log("f", Collection.inputs, reference, 0, len(whole) + 20))
    assert (read.end, read.limit) == (len(whole), len(whole) + 20)
    assert [batch.count for batch in read.batches] == [1]
    rest = read_log(world, model, log("f", Collection.inputs, reference, len(whole), 10**6))
    assert (rest.start, rest.end, rest.batches) == (len(whole), len(whole), ())


def test_outputs_have_rows_and_no_sketch(world: World, fleet: Fleet) -> None:
    world.logs["f"] = line("a", MIDNIGHT, {"score": 0.25})
    read = read_log(world, fleet.models["demand"], log("f", Collection.outputs))
    (batch,) = read.batches
    assert batch.sketch == ""
    assert rows.get(world.blobs, batch.rows)["score"].to_pylist() == [0.25]


def test_bad_lines_are_left_out_and_counted(world: World, fleet: Fleet) -> None:
    world.logs["f"] = line("a", MIDNIGHT, {"score": 0.25}) + b"{nonsense\n" + b"[1]\n"
    read = read_log(world, fleet.models["demand"], log("f", Collection.outputs))
    assert read.bad == 2
    assert read.bad_reason.startswith("line 2: not JSON")
    assert [batch.count for batch in read.batches] == [1]
    assert read.end == len(world.logs["f"])


def test_parquet_logs_are_read_whole(
    world: World, fleet: Fleet, reference: str, rows_of: Callable[..., pa.Table]
) -> None:
    sink = pa.BufferOutputStream()
    found = rows_of(["a", "b"], MIDNIGHT - timedelta(seconds=30), x=[1.0, 2.0], kind=["a", "b"])
    pq.write_table(found, sink)
    content = sink.getvalue().to_pybytes()
    world.logs["f.parquet"] = content
    read = read_log(world, fleet.models["demand"], log("f.parquet", Collection.inputs, reference))
    assert read.end == len(content)
    assert [(batch.window, batch.count) for batch in read.batches] == [
        ("2024-03-04", 1), ("2024-03-05", 1),
    ]  # fmt: skip


def test_a_parquet_log_that_is_none_is_refused(world: World, fleet: Fleet) -> None:
    world.logs["f.parquet"] = b"PAR1 not at all"
    with pytest.raises(Refused, match="neither Parquet nor Arrow"):
        read_log(world, fleet.models["demand"], log("f.parquet", Collection.outputs))


def test_a_parquet_log_is_written_once(world: World, fleet: Fleet) -> None:
    """A cursor past its start means that it was read before."""
    world.logs["f.parquet"] = b"PAR1 another"
    with pytest.raises(Refused, match=r"f.parquet: changed after it was read"):
        read_log(world, fleet.models["demand"], log("f.parquet", Collection.outputs, start=4))


def test_a_large_parquet_log_makes_several_batches(
    world: World,
    fleet: Fleet,
    reference: str,
    rows_of: Callable[..., pa.Table],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The range that was asked for is not its end: its directory is."""
    monkeypatch.setattr(decoding, "PIECE", 50_000)
    ids = [f"{i}" for i in range(1_000)]
    sink = pa.BufferOutputStream()
    found = rows_of(ids, MIDNIGHT, x=[1.0] * 1_000, kind=["a"] * 1_000)
    pq.write_table(found, sink, row_group_size=100)
    content = sink.getvalue().to_pybytes()
    world.logs["f.parquet"] = content
    effect = log("f.parquet", Collection.inputs, reference, end=len(content) // 2)
    monkeypatch.setattr(arrow, "ROWS", 100)
    read = read_log(world, fleet.models["fraud"], effect)
    assert (read.end, read.limit) == (len(content), len(content))
    assert len(read.batches) > 1
    kept = rows.get_all(world.blobs, [batch.rows for batch in read.batches])
    assert kept is not None
    assert kept["correlationid"].to_pylist() == ids
    monkeypatch.setattr(decoding, "MOST_PARQUET", len(content) - 1)
    with pytest.raises(Refused, match=r"f.parquet: over 0 MiB of Parquet; write several"):
        read_log(world, fleet.models["fraud"], effect)


def test_rows_in_other_blobs_are_fetched(world: World, fleet: Fleet, reference: str) -> None:
    """An address that cannot be read is a bad line, not the end of the file."""
    when = MIDNIGHT.isoformat()
    apart = b"".join(
        json.dumps(
            {"correlationid": name, "time": when, "data": f"https://a/{name}", "datainblob": "true"}
        ).encode()
        + b"\n"
        for name in ("b", "c")
    )
    content = line("a", MIDNIGHT, {"x": 1.0, "kind": "a"}) + apart
    world.logs["f"] = content
    world.logs["https://a/b"] = b'[{"x": 2.0, "kind": "b"}, {"x": 3.0}]'
    read = read_log(world, fleet.models["demand"], log("f", Collection.inputs, reference))
    assert [batch.count for batch in read.batches] == [1, 2]
    kept = rows.get(world.blobs, read.batches[1].rows)
    assert kept["correlationid"].to_pylist() == ["b", "b"]
    assert kept["x"].to_pylist() == [2.0, 3.0]
    assert (read.end, read.bad) == (len(content), 1)
    assert read.bad_reason.startswith("line 3: its rows are elsewhere: https://a/c: ")


def test_only_so_many_other_blobs_are_read_at_once(
    world: World, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest is another range, asked for at once: `limit` says that the file goes on."""
    monkeypatch.setattr(decoding, "APART_AT_ONCE", 2)
    monkeypatch.setattr(decoding, "MOST_APART", 20)
    lines = []
    for name in "abc":
        found = {"correlationid": name, "time": MIDNIGHT.isoformat(), "data": f"u/{name}"}
        lines.append(json.dumps({**found, "datainblob": "true"}).encode() + b"\n")
        world.logs[f"u/{name}"] = b'[{"score": 0.5}]' + b" " * 10 * (name == "b")
    world.logs["f"] = b"".join(lines)
    first = read_log(world, fleet.models["demand"], log("f", Collection.outputs))
    assert first.end == first.limit == len(lines[0] + lines[1])
    assert (sum(batch.count for batch in first.batches), first.bad) == (1, 1)
    assert "its rows are a blob of more than" in first.bad_reason
    rest = read_log(world, fleet.models["demand"], log("f", Collection.outputs, start=first.end))
    assert (rest.end, rest.limit) == (len(b"".join(lines)), 10**6)
    assert [batch.count for batch in rest.batches] == [1]


@pytest.mark.parametrize("kind", [Collection.inputs, Collection.outputs, Collection.traffic])
def test_a_line_longer_than_a_range_is_left_out(
    world: World, fleet: Fleet, reference: str, kind: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever comes, reading goes on: the rest of such a line is no line either."""
    monkeypatch.setattr(decoding, "LONGEST", 1_000)
    good = (
        traffic(MIDNIGHT, 200) if kind is Collection.traffic else line("a", MIDNIGHT, {"score": 1})
    )
    content = line("b", MIDNIGHT, {"score": 1, "s": "long" * 600}) + good
    world.logs["f"] = content
    cursor, counts, reasons = 0, 0, []
    for _ in range(10):
        end = min(cursor + 1_000, len(content))
        if cursor == len(content):
            break
        read = read_log(world, fleet.models["fraud"], log("f", kind, reference, cursor, end))
        assert read.end > cursor
        cursor = read.end
        counts += sum(batch.count for batch in read.batches)
        reasons += [read.bad_reason] if read.bad else []
    assert (cursor, counts) == (len(content), 1)
    assert reasons[0] == "byte 0: a line of more than 0 MiB, left out"
    assert len(reasons) == 3


def test_a_line_being_written_is_waited_for(world: World, fleet: Fleet) -> None:
    content = line("a", MIDNIGHT, {"score": 1})[:-2]
    world.logs["f"] = content
    read = read_log(world, fleet.models["fraud"], log("f", Collection.outputs))
    assert (read.end, read.bad, read.batches) == (0, 0, ())
    assert (read.seen, read.limit) == (len(content), 10**6)


@pytest.mark.parametrize(
    "kind", [Collection.inputs, Collection.outputs, Collection.traffic, Collection.labels]
)
def test_a_last_line_without_its_end_is_read_once(
    world: World, fleet: Fleet, reference: str, kind: Collection
) -> None:
    """The line end that comes later, or the next line right behind it, is read from there."""
    one = {
        Collection.traffic: traffic(MIDNIGHT, 200), Collection.labels: label("a"),
    }.get(kind, line("a", MIDNIGHT, {"score": 1, "x": 1.0, "kind": "a"}))  # fmt: skip
    for ended, behind in ((one[:-1], b"\n" + one), (one[:-1], one)):
        world.logs["f"] = ended
        first = _rows_read(world, fleet, log("f", kind, reference, 0, len(ended)))
        assert first == (len(ended), 1, 0)
        world.logs["f"] = ended + behind
        rest = log("f", kind, reference, len(ended), len(ended + behind))
        assert _rows_read(world, fleet, rest) == (len(ended + behind), 1, 0)


def _rows_read(world: World, fleet: Fleet, asked: ReadLog) -> tuple[int, int, int]:
    """Where the next range begins, how many rows were read, how many were bad."""
    if asked.collection is Collection.labels:
        found = read_labels(
            world, fleet.models["fraud"], ReadLabels(asked.blob, asked.start, asked.end, {}, "o")
        )
        return found.end, found.unknown, found.bad
    read = read_log(world, fleet.models["fraud"], asked)
    return read.end, sum(batch.count for batch in read.batches), read.bad


def test_rows_elsewhere_are_found_under_either_spelling(
    world: World, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "APART_AT_ONCE", 2)
    common = {"correlationid": "a", "time": MIDNIGHT.isoformat()}
    spelled: list[dict[str, Any]] = [
        {"dataref": "u/a"}, {"data": None, "dataref": "u/a"}, {"data": "u/a", "datainblob": "true"},
        {"dataref": "u/a?sig=x"}, {"dataref": "u/none"},
    ]  # fmt: skip
    content = b"".join(json.dumps({**common, **one}).encode() + b"\n" for one in spelled)
    world.logs["f"] = content
    world.logs["u/a"] = b'[{"score": 0.5}, {"score": 0.25}]'
    found, counts, bad, rounds = 0, 0, [], 0
    while found < len(content):
        read = read_log(
            world, fleet.models["demand"], log("f", Collection.outputs, start=found, end=10**4)
        )
        found, rounds = read.end, rounds + 1
        counts += sum(batch.count for batch in read.batches)
        bad += [read.bad_reason] * read.bad
    assert (counts, len(bad)) == (8, 1)
    assert "its rows are elsewhere: u/none" in bad[0]
    assert rounds == 3  # two at a time


def test_requests_of_our_own_are_counted_and_in_no_window(world: World, fleet: Fleet) -> None:
    ours = line("driftwarden-1", MIDNIGHT, {"score": 0.5})
    world.logs["f"] = line("a", MIDNIGHT, {"score": 0.5}) + ours
    read = read_log(world, fleet.models["fraud"], log("f", Collection.outputs))
    assert [batch.count for batch in read.batches] == [1]
    assert (read.bad, read.bad_reason) == (1, "a request that Driftwarden made itself")
    world.logs["t"] = traffic(MIDNIGHT, 500, name="driftwarden-1") + traffic(MIDNIGHT, 200)
    read = read_log(world, fleet.models["fraud"], log("t", Collection.traffic))
    assert [(count.requests, count.errors) for count in read.traffic] == [(1, 0)]
    assert read.bad == 1


@pytest.mark.parametrize(("value", "kept", "bad"), [("high", 0, 1), (None, 1, 0), (1, 1, 0)])
def test_scores_are_numbers(world: World, fleet: Fleet, value: Any, kept: int, bad: int) -> None:
    world.logs["f"] = line("a", MIDNIGHT, {"score": value})
    read = read_log(world, fleet.models["fraud"], log("f", Collection.outputs))
    assert (sum(batch.count for batch in read.batches), read.bad) == (kept, bad)
    for batch in read.batches:
        found = rows.get(world.blobs, batch.rows)["score"]
        assert (found.type, found.to_pylist()) == (pa.float64(), [value])


OUTSIDE, ENDLESS = "the score is outside 0…1", "the score is not a finite number"
#: A score as JSON, and why a classification, or a regression, cannot use it.
SCORES = (
    ("0", "", ""), ("1", "", ""), ("0.0", "", ""), ("1e0", "", ""), ("null", "", ""),
    ("1.0000001", OUTSIDE, ""), ("-1e-9", OUTSIDE, ""), ("35", OUTSIDE, ""), ("-7", OUTSIDE, ""),
    ("1e300", OUTSIDE, ""), ("1e999", ENDLESS, ENDLESS), ("-1e999", ENDLESS, ENDLESS),
    ("NaN", ENDLESS, ENDLESS), ("Infinity", ENDLESS, ENDLESS),
)  # fmt: skip


def with_task(fleet: Fleet, task: Task) -> Any:
    watched = fleet.models["fraud"]
    performance = watched.policy.performance.model_copy(update={"task": task})
    return replace(watched, policy=watched.policy.model_copy(update={"performance": performance}))


@pytest.mark.parametrize(
    "odd",
    ["x", "", "0x1f", "1_000", "NaN", "Infinity", "--1", "1e", ".", "½", [0.5], {"a": 1}, True],
)
@pytest.mark.parametrize("others", [1, 3, 400])
def test_an_odd_score_leaves_out_its_own_row_alone(
    world: World, fleet: Fleet, odd: Any, others: int
) -> None:
    lines = [line(f"r{i}", MIDNIGHT, {"score": 0.25}) for i in range(others)]
    # Several rows of text make the whole column one of text.
    lines += [line("odd", MIDNIGHT, *[{"score": odd}] * (2 * others))]
    world.logs["f"] = b"".join(lines)
    read = read_log(world, fleet.models["demand"], log("f", Collection.outputs))
    (batch,) = read.batches
    scores = rows.get(world.blobs, batch.rows)["score"].to_pylist()
    # What is neither a number nor text is a row without a score.
    assert [score for score in scores if score is not None] == [0.25] * others
    assert len(scores) + read.bad == 3 * others


@pytest.mark.parametrize("task", Task)
@pytest.mark.parametrize(("value", "classified", "regressed"), SCORES)
def test_scores_that_cannot_be_used_are_left_out_and_counted(
    world: World, fleet: Fleet, task: Task, value: str, classified: str, regressed: str
) -> None:
    good = line("a", MIDNIGHT, {"score": 0.5})
    world.logs["f"] = good + line("b", MIDNIGHT, {"score": 0.75}).replace(b"0.75", value.encode())
    read = read_log(world, with_task(fleet, task), log("f", Collection.outputs))
    why = classified if task is Task.CLASSIFICATION else regressed
    assert read.end == len(world.logs["f"])
    assert sum(batch.count for batch in read.batches) == (1 if read.bad else 2)
    if not why:
        assert read.bad == 0
    elif value in ("NaN", "Infinity"):
        # JSON has no such number: the line itself may be refused.
        assert read.bad == 1
    else:
        assert (read.bad, read.bad_reason.partition(";")[0]) == (1, why)


def test_scores_of_a_parquet_file_are_looked_at_as_well(world: World, fleet: Fleet) -> None:
    scores = [0.5, float("nan"), 2.0, float("-inf"), None]
    table = pa.table(
        {
            "correlationid": list("abcde"),
            "time": pa.array([MIDNIGHT] * 5, pa.timestamp("us", "UTC")),
            "score": scores,
        }
    )
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    world.logs["f.parquet"] = sink.getvalue().to_pybytes()
    asked = log("f.parquet", Collection.outputs)
    for task, kept, bad in ((Task.CLASSIFICATION, 2, 3), (Task.REGRESSION, 3, 2)):
        read = read_log(world, with_task(fleet, task), asked)
        assert (sum(batch.count for batch in read.batches), read.bad) == (kept, bad)


def test_outputs_without_a_score_are_refused(world: World, fleet: Fleet) -> None:
    world.logs["f"] = line("a", MIDNIGHT, {"proba": 0.5})
    with pytest.raises(Refused, match="f: outputs have no 'score'; found proba"):
        read_log(world, fleet.models["fraud"], log("f", Collection.outputs))


def test_a_line_without_a_time_does_not_stop_the_file(world: World, fleet: Fleet) -> None:
    """Its day is not known, so it can be in no window; the rest goes on."""
    timeless = line("b", MIDNIGHT, {"score": 0.5}).replace(MIDNIGHT.isoformat().encode(), b"noon")
    world.logs["f"] = line("a", MIDNIGHT, {"score": 0.25}) + timeless
    read = read_log(world, fleet.models["demand"], log("f", Collection.outputs))
    assert [(batch.window, batch.count) for batch in read.batches] == [("2024-03-05", 1)]
    assert read.bad == 1


def traffic(at: datetime, status: int, ms: float = 10, by: str = "v1", name: str = "a") -> bytes:
    found = {
        "time": at.isoformat(), "deployment": by, "correlationid": name, "status": status,
        "duration_ms": ms,
    }  # fmt: skip
    return json.dumps(found).encode() + b"\n"


def test_traffic_is_counted_by_deployment_and_hour(world: World, fleet: Fleet) -> None:
    """`slow_ms` is 100: at it is not slow. 429 is capacity: no request and no error."""
    begin = datetime(2024, 3, 4, 10, 20, tzinfo=UTC)
    content = b"".join(
        (
            traffic(begin, 200), traffic(begin, 200, 100), traffic(begin, 200, 100.1),
            traffic(begin, 424), traffic(begin, 408), traffic(begin, 429, 900),
            traffic(begin, 500, 200), traffic(begin, 503), traffic(begin, 400),
            traffic(begin, 404), traffic(begin, 200, by="v2"),
            traffic(begin + timedelta(hours=1), 200), traffic(begin + timedelta(hours=1), 429),
        )
    )  # fmt: skip
    world.logs["t"] = content
    read = read_log(world, fleet.models["demand"], log("t", Collection.traffic))
    ten, eleven, noon = (datetime(2024, 3, 4, hour, tzinfo=UTC) for hour in (10, 11, 12))
    assert read.traffic == (
        TrafficCount("v1", ten, eleven, 9, 4, 2),
        TrafficCount("v2", ten, eleven, 1, 0, 0),
        TrafficCount("v1", eleven, noon, 1, 0, 0),
    )
    assert [(batch.window, batch.count) for batch in read.batches] == [("2024-03-04", 13)]


def test_no_traffic_is_no_count(world: World, fleet: Fleet) -> None:
    world.logs["t"] = b"\n"
    read = read_log(world, fleet.models["demand"], log("t", Collection.traffic))
    assert (read.traffic, read.batches) == ((), ())
    world.logs["t"] = traffic(MIDNIGHT, 429)
    assert read_log(world, fleet.models["demand"], log("t", Collection.traffic)).traffic == ()


def label(name: str, value: Any = 1) -> bytes:
    found = {"correlationid": name, "label": value, "time": MIDNIGHT.isoformat()}
    return json.dumps(found).encode() + b"\n"


def test_labels_are_matched_by_the_ids_of_open_windows(
    world: World, fleet: Fleet, rows_of: Callable[..., pa.Table]
) -> None:
    monday = rows.put(world.blobs, rows_of(["a", "b"], score=[0.1, 0.2]))
    tuesday = rows.put(world.blobs, rows_of(["c"], score=[0.3]))
    timeless = label("b").replace(MIDNIGHT.isoformat().encode(), b"noon")
    content = label("a") + label("c", 0) + label("z") + label("b", None) + timeless + b"{half"
    world.logs["l"] = content
    asked = ReadLabels(
        "l", 0, len(content), {"2024-03-04": (monday,), "2024-03-05": (tuesday,)}, "o"
    )
    read = read_labels(world, fleet.models["fraud"], asked)
    assert read.matched == {"2024-03-04": 2, "2024-03-05": 1}
    assert (read.unknown, read.bad, read.of) == (1, 1, "o")
    assert read.end == content.rindex(b"\n") + 1
    kept = rows.get(world.blobs, read.rows)
    assert kept["correlationid"].to_pylist() == ["a", "c", "z", "b"]


def test_a_label_that_fits_two_windows_is_given_to_both(
    world: World, fleet: Fleet, rows_of: Callable[..., pa.Table]
) -> None:
    one = rows.put(world.blobs, rows_of(["a"], score=[0.1]))
    world.logs["l"] = label("a")
    read = read_labels(
        world, fleet.models["fraud"], ReadLabels("l", 0, 10**6, {"d1": (one,), "d2": (one,)}, "o")
    )
    assert (read.matched, read.unknown) == ({"d1": 1, "d2": 1}, 0)


def test_no_label_is_no_blob(world: World, fleet: Fleet) -> None:
    world.logs["l"] = b""
    read = read_labels(world, fleet.models["fraud"], ReadLabels("l", 0, 10, {}, "o"))
    assert (read.rows, read.matched, read.unknown, read.end) == ("", {}, 0, 0)
