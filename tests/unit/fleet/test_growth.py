"""Looking for files that have grown, by the service: what is delivered, once, and what is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine import journal
from engine.errors import Broken, Conflict, DriftwardenError, Refused, Unavailable
from engine.step import Delivery
from fleet.document.policies import Fleet
from fleet.model.facts import LogGrew
from fleet.model.records import Collection
from fleet.pacing import PATIENCE
from fleet.polling import Poller
from fleet.work import rows
from monitoring.drift.segments import from_bytes
from tests.unit.fleet.desk import NOW, Desk

MINUTE = timedelta(minutes=1)
MDC = "modelDataCollector"


def inputs(at: str, deployment: str = "v1", endpoint: str = "shop-demand") -> str:
    return f"{MDC}/{endpoint}/{deployment}/model_inputs/{at}.jsonl"


def line(name: str, x: float = 1.0) -> bytes:
    moment = "2024-03-04T09:59:00Z"
    return b'{"correlationid":"%s","time":"%s","data":[{"x":%r,"kind":"a"}]}\n' % (
        name.encode(), moment.encode(), x,
    )  # fmt: skip


def ticked(desk: Desk, after: timedelta = MINUTE) -> None:
    desk.clock.moment += after
    desk.service.tick()
    desk.service.poll()
    desk.settle()


def sizes(desk: Desk, model: str = "demand") -> dict[str, int]:
    state = desk.service.loop.head(model).state
    return {path: cursor.size for path, cursor in state.logs.blobs.items()}


def logs(desk: Desk) -> Any:
    return desk.world.logs


@pytest.mark.parametrize(
    "at",
    [
        "2024/03/04/10/a",
        "2024/03/04/09/a",
        "2024/03/04/a",
        "2024/03/04/10/01/a",
        "2024/03/04/09/59/a",
    ],
)
def test_a_file_that_can_grow_is_read_with_the_next_tick(desk: Desk, at: str) -> None:
    ticked(desk)
    logs(desk)[inputs(at)] = line("a")
    ticked(desk)
    assert sizes(desk) == {inputs(at): len(line("a"))}
    logs(desk)[inputs(at)] += line("b")
    ticked(desk)
    assert [(x["start"], x["rows"]) for x in desk.said("demand", "read")] == [
        (0, 1),
        (len(line("a")), 1),
    ]


def test_a_file_that_grows_each_minute_is_read_every_five_minutes(desk: Desk) -> None:
    path, content = inputs("2024/03/04/10/a"), b""
    ticked(desk)
    for n in range(20):
        content += line(f"r{n}")
        logs(desk)[path] = content
        ticked(desk)
    assert [x["rows"] for x in desk.said("demand", "read")] == [1, 1, 5, 5, 5]
    ticked(desk, timedelta(minutes=5))
    assert [x["rows"] for x in desk.said("demand", "read")] == [1, 1, 5, 5, 5, 3]


@pytest.mark.parametrize("restarted", [False, True])
def test_a_file_that_was_cut_is_told_and_read_on_from_its_new_end(
    desk: Desk, restarted: bool
) -> None:
    path = inputs("2024/03/04/10/a")
    logs(desk)[path] = line("a") + line("b")
    ticked(desk)
    ticked(desk)
    logs(desk)[path] = line("c")
    if restarted:
        desk.service = desk.opened(desk.fleet)
        desk.service.begin()
    ticked(desk)
    (said,) = desk.said("demand", "shrank")
    assert (said["read"], said["size"]) == (len(line("a") + line("b")), len(line("c")))
    state = desk.service.loop.head("demand").state
    assert "was cut or replaced" in state.alerting.signals["unread"].reason
    ticked(desk)
    assert len(desk.said("demand", "shrank")) == 1
    logs(desk)[path] += line("d")
    ticked(desk, timedelta(minutes=5))
    assert [x["start"] for x in desk.said("demand", "read")] == [0, len(line("c"))]
    # It happens again, to the same length.
    logs(desk)[path] = line("e")
    ticked(desk, timedelta(minutes=5))
    assert len(desk.said("demand", "shrank")) == 2


def test_an_event_that_comes_late_tells_no_smaller_size(desk: Desk) -> None:
    """Events come in any order: a file is shorter only where a look has seen it so."""
    path = inputs("2024/03/04/10/a")
    logs(desk)[path] = line("a") + line("b")
    ticked(desk)
    late = Delivery("demand", "late", LogGrew(path, len(line("a")), Collection.inputs, "v1"))
    desk.service.loop.deliver(late, desk.clock.moment)
    ticked(desk)
    assert desk.said("demand", "shrank") == []


def test_files_of_a_long_absence_are_taken_in_as_they_are_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fleet.growth.MOST_WAITING", 7)
    for n in range(40):
        written = NOW - timedelta(hours=n)
        logs(desk)[inputs(f"{written:%Y/%m/%d/%H}/a")] = line(f"r{n}")
    desk.clock.moment += MINUTE
    desk.service.poll()
    waiting = desk.service.loop.store.scan("demand", "in:", pending=True)
    assert len([row for row in waiting if "grew" in str(row.props["id"])]) == 7
    desk.clock.moment += MINUTE
    desk.service.poll()  # The partition was not stepped in between.
    assert len(desk.service.loop.store.scan("demand", "in:", pending=True)) == len(waiting)
    for _ in range(7):
        ticked(desk)
    assert len(sizes(desk)) == 40
    assert len(desk.said("demand", "read")) == 40


def test_many_reads_of_a_day_are_one_batch_with_all_its_rows(desk: Desk) -> None:
    path, content = inputs("2024/03/04/10/a"), b""
    ticked(desk)
    for n in range(20):
        content += line(f"r{n}", float(n))
        logs(desk)[path] = content
        ticked(desk, timedelta(minutes=5))
    state = desk.service.loop.head("demand").state
    (window,) = state.windows.open.values()
    assert [batch.count for batch in window.inputs] == [15, 1, 1, 1, 1, 1]
    kept = rows.get_all(desk.world.blobs, [batch.rows for batch in window.inputs])
    assert kept is not None
    assert sorted(kept["x"].to_pylist()) == [float(n) for n in range(20)]
    counted = [from_bytes(desk.world.blobs.get(b.sketch))[None].rows for b in window.inputs]
    assert counted == [15, 1, 1, 1, 1, 1]


def test_requests_are_read_as_they_come(desk: Desk) -> None:
    path, content = "traffic/shop-demand/2024/03/04/10/a.jsonl", b""
    ticked(desk)
    for n in range(5):
        content += line(f"r{n}")
        logs(desk)[path] = content
        ticked(desk)
        assert sizes(desk) == {path: len(content)}


@pytest.mark.parametrize("hours", [1, 10, 62, 150])
def test_what_was_written_while_no_process_ran_is_read(desk: Desk, hours: int) -> None:
    written = NOW - timedelta(hours=hours)
    path = inputs(f"{written:%Y/%m/%d/%H}/a")
    logs(desk)[path] = line("a")
    ticked(desk)
    assert sizes(desk) == {path: len(line("a"))}


def test_a_file_that_grew_over_a_weekend_is_read_on_where_it_was_left(desk: Desk) -> None:
    path = inputs("2024/03/04/10/a")
    logs(desk)[path] = line("a")
    ticked(desk)
    logs(desk)[path] += line("b")
    desk.service = desk.opened(desk.fleet)
    desk.clock.moment += timedelta(days=3)
    desk.service.begin()
    desk.settle()
    ticked(desk)
    assert [x["start"] for x in desk.said("demand", "read")] == [0, len(line("a"))]


def test_a_file_that_nobody_looked_at_when_it_grew_is_found_the_next_day(desk: Desk) -> None:
    ticked(desk)
    logs(desk)[inputs("2024/03/04/07/a")] = line("a")
    ticked(desk)
    assert sizes(desk) == {}
    ticked(desk, timedelta(hours=14))
    assert list(sizes(desk)) == [inputs("2024/03/04/07/a")]


def test_nothing_new_is_no_fact_and_no_record(desk: Desk) -> None:
    logs(desk)[inputs("2024/03/04/10/a")] = line("a")
    logs(desk)["traffic/shop-demand/2024/03/04/10/a.jsonl"] = b""
    ticked(desk)
    before = len(list(journal.read(desk.store, "demand")))
    rung: list[str] = []
    for service in (desk.service, desk.opened(desk.fleet)):
        # Another process knows it from the inbox.
        desk.service = service
        for _ in range(3):
            desk.clock.moment += MINUTE
            service.poll()
            rung += desk.rung
            desk.settle()
    assert rung == []
    assert len(list(journal.read(desk.store, "demand"))) == before


def test_what_an_earlier_version_delivered_under_an_events_id_is_known(desk: Desk) -> None:
    path, content = inputs("2024/03/04/10/a"), line("a")
    fact = LogGrew(path, len(content), Collection.inputs, "v1")
    told = Delivery("demand", "Microsoft.Storage.BlobCreated:e1:/subscriptions/s", fact)
    logs(desk)[path] = content
    desk.service.loop.deliver(told, desk.clock.moment)
    desk.settle()
    before = len(list(desk.store.scan("demand", "in:")))
    ticked(desk)
    assert len(list(desk.store.scan("demand", "in:"))) == before


def test_deployments_are_those_whose_folders_are_there(desk: Desk) -> None:
    for name in ("v1", "v2", "Blue_3", "7"):
        logs(desk)[inputs("2024/03/04/10/a", name, "Shop-Demand")] = line(name)
    for other in ("shop-demand-2", "fraud"):
        logs(desk)[inputs("2024/03/04/10/a", "v1", other)] = line("x")
    ticked(desk)
    assert {path.split("/")[2] for path in sizes(desk)} == {"v1", "v2", "Blue_3", "7"}
    assert list(sizes(desk, "fraud")) == [inputs("2024/03/04/10/a", "v1", "fraud")]


def created(path: str, size: int = 0, name: str = "e1") -> dict[str, Any]:
    subject = f"/blobServices/default/containers/logs/blobs/{path}"
    data = {"api": "PutBlob", "contentLength": size, "blobType": "AppendBlob"}
    return {"id": name, "type": "Microsoft.Storage.BlobCreated", "subject": subject, "data": data}


def test_an_event_of_length_0_is_a_look_at_the_file(desk: Desk) -> None:
    path = inputs("2024/03/01/07/odd/place/a")
    logs(desk)[path] = b""
    assert desk.service.ingest(created(path)) is None
    logs(desk)[path] = line("a")
    assert desk.service.ingest(created(path, name="e2")) == "demand"
    desk.settle()
    assert sizes(desk) == {path: len(line("a"))}


def test_a_look_and_an_event_of_one_growth_are_one_fact(desk: Desk) -> None:
    path, content = inputs("2024/03/04/10/a"), line("a")
    logs(desk)[path] = content
    desk.service.ingest(created(path, len(content)))
    ticked(desk)
    desk.service.ingest(created(path, name="e3"))
    desk.service.ingest(created(path, len(content), name="e4"))
    rows = [row for row in desk.store.scan("demand", "in:") if "grew:" in str(row.props["id"])]
    assert len(rows) == 1


@pytest.mark.parametrize(
    ("poll", "ticks", "looks"),
    [("PT1M", 6, 6), ("PT2M", 6, 3), ("PT1H", 6, 1), ("0s", 6, 6), ("off", 6, 0)],
)
def test_looks_are_as_often_as_the_policy_says(
    desk: Desk, resolve: Callable[..., Fleet], poll: str, ticks: int, looks: int
) -> None:
    desk.service = desk.opened(resolve(("grace: PT2H", f"grace: PT2H, poll: {poll}")))
    path = "traffic/shop-demand/2024/03/04/10/a.jsonl"
    for number in range(ticks):
        # Timers come a little early or late.
        desk.clock.moment = NOW + number * MINUTE + timedelta(seconds=(-1) ** number)
        logs(desk)[path] = line("a") * (number + 1)
        desk.service.poll()
        desk.settle()
    assert len(desk.said("demand", "read")) == looks


def test_the_rows_of_another_container_and_folder_are_read(
    desk: Desk, resolve: Callable[..., Fleet]
) -> None:
    elsewhere = "grace: PT2H, container: theirs, path: mdc/x"
    desk.service = desk.opened(resolve(("grace: PT2H", elsewhere)))
    path = inputs("2024/03/04/10/a").replace(MDC, "mdc/x")
    logs(desk)[f"theirs/{path}"] = line("a")
    logs(desk)[inputs("2024/03/04/10/b")] = line("b")
    ticked(desk)
    assert [(x["blob"], x["rows"]) for x in desk.said("demand", "read")] == [(path, 1)]


FAULTS = (
    Unavailable("logs: busy"), Refused("logs: no name"), Broken("logs: bad"), Conflict("logs: 409"),
)  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
def test_a_fault_that_lasts_is_told_and_what_came_meanwhile_is_read(
    desk: Desk, fault: DriftwardenError
) -> None:
    logs(desk).fault = fault
    path = inputs("2024/03/04/10/a")
    logs(desk)[path] = line("a")
    ticked(desk)
    ticked(desk)
    assert desk.said("fleet", "noticed") == []
    for _ in range(10):
        ticked(desk, PATIENCE / 5)
    told = [x["reason"] for x in desk.said("fleet", "noticed") if x["id"] == "logs:demand"]
    assert told == [f"the log files of demand cannot be listed: {fault}"]
    assert desk.said("fleet", "alert")[-1]["phase"] == "firing"
    logs(desk).fault = None
    ticked(desk, 2 * PATIENCE)
    assert sizes(desk) == {path: len(line("a"))}


def test_one_models_fault_stops_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, resolve: Callable[..., Fleet]
) -> None:
    desk.service = desk.opened(resolve(("grace: PT2H", "grace: PT2H, container: theirs")))
    files, listing = logs(desk), logs(desk).listing

    def listed(folder: str, container: str = "") -> Any:
        if container == "theirs":
            raise Unavailable("logs theirs: denied")
        return listing(folder, container)

    monkeypatch.setattr(files, "listing", listed)
    path = inputs("2024/03/04/10/a", "f1", "fraud")
    files[path] = line("a")
    ticked(desk)
    assert list(sizes(desk, "fraud")) == [path]


def test_one_models_defect_stops_no_other_and_is_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, resolve: Callable[..., Fleet]
) -> None:
    desk.service = desk.opened(resolve(("grace: PT2H", "grace: PT2H, container: theirs")))
    files, listing = logs(desk), logs(desk).listing
    path = inputs("2024/03/04/10/a", "f1", "fraud")
    files[path] = line("a")
    for error in (RecursionError("depth"), KeyError("x"), OSError(5, "I/O"), MemoryError()):

        def listed(folder: str, container: str = "", error: Exception = error) -> Any:
            if container == "theirs":
                raise error
            return listing(folder, container)

        with monkeypatch.context() as patched:
            patched.setattr(files, "listing", listed)
            ticked(desk)
        assert list(sizes(desk, "fraud")) == [path]
    ids = [str(row.props["id"]) for row in desk.store.scan("fleet", "in:")]
    assert any(name.startswith("noticed:logs:demand:") for name in ids)


def test_a_failed_delivery_is_made_with_the_next_look(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = inputs("2024/03/04/10/a")
    logs(desk)[path] = line("a")
    with monkeypatch.context() as patched:
        patched.setattr(desk.store, "commit", _out)
        with pytest.raises(Unavailable):
            desk.service.poll()
    ticked(desk)
    assert list(sizes(desk)) == [path]


def _out(*_: Any) -> None:
    raise Unavailable("the store is out")


def test_an_idle_look_lists_the_days_level_and_the_growing_hours_only(desk: Desk) -> None:
    for hour in range(24):
        logs(desk)[inputs(f"2024/03/03/{hour:02}/a")] = line("a")
        logs(desk)[inputs(f"2024/03/04/{hour:02}/a")] = line("a")
    poller, demand = Poller(logs(desk)), desk.fleet.models["demand"]
    poller.look(demand, dict, NOW)
    logs(desk).asked.clear()
    poller.look(demand, dict, NOW + MINUTE)
    base = f"{MDC}/shop-demand/v1"
    assert logs(desk).asked == [
        "traffic", MDC, f"{MDC}/shop-demand",
        f"{base}/model_inputs/2024/03/04", f"{base}/model_inputs/2024/03/04/09",
        f"{base}/model_inputs/2024/03/04/10", f"{base}/model_outputs/2024/03/04",
    ]  # fmt: skip


def test_a_clock_that_was_set_back_does_not_stop_the_looks(desk: Desk) -> None:
    poller, demand = Poller(logs(desk)), desk.fleet.models["demand"]
    poller.look(demand, dict, NOW)
    logs(desk)["traffic/shop-demand/2024/03/04/07/a.jsonl"] = b"x"
    assert poller.look(demand, dict, datetime(2024, 3, 4, 7, 30, tzinfo=UTC)).grown
