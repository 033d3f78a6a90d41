"""Files of the data collector as Azure ML leaves them, announced to the Functions app."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fleet.model.parts.unfinished import QUIET
from fleet.model.slices.windows import Window
from hosts.local.host import DUE_QUEUE
from tests.face.test_deliveries import BLOB, CONTAINER, LEARNING, Stage, grid, opened

MAPPED = "logs: {endpoint: Raw_Demand, deployments: {first: Raw_Blue}}"
SERVING = "serving: {champion: first, model: sklearn_regression_model}"
AT = datetime.now(UTC).replace(hour=2, minute=0, second=0, microsecond=0) - timedelta(days=1)
DAY = AT.date().isoformat()
INPUTS = f"modelDataCollector/Raw_Demand/Raw_Blue/model_inputs/{AT:%Y/%m/%d/%H}/a.jsonl"


@pytest.fixture(scope="module")
def begun(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny fleet, whose model has other names in Azure ML, with its reference built."""
    folder = shutil.copytree(prepared, tmp_path_factory.mktemp("raw") / "fleet")
    document = folder / "fleet.yaml"
    text = document.read_text()
    for before, after in (
        ("logs: {endpoint: demand}", MAPPED),
        ("serving: {champion: first}", SERVING),
    ):
        assert before in text
        text = text.replace(before, after)
    document.write_text(text)
    for _ in opened(folder):
        pass
    return folder


@pytest.fixture
def stage(begun: Path, tmp_path: Path) -> Iterator[Stage]:
    """A copy of that fleet."""
    yield from opened(shutil.copytree(begun, tmp_path / "fleet"))


def row(number: int) -> dict[str, Any]:
    return {"x": number / 10, "size": number, "kind": "a"}


def line(number: int, **fields: Any) -> bytes:
    """A line as the README shows it; `fields` that are `...` are left out."""
    found = {"correlationid": f"r{number}", "time": AT.isoformat(), "data": [row(number)], **fields}
    return json.dumps({name: value for name, value in found.items() if value is not ...}).encode()


def announce(stage: Stage, path: str, content: bytes) -> None:
    """Write a file and say so, as Event Grid does."""
    file = stage.host.logs / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    name = f"{path}@{len(content)}"
    stage.deliver([grid(name, BLOB, {"contentLength": len(content)}, CONTAINER + path)])
    stage.settle()


def later(stage: Stage, after: timedelta) -> None:
    stage.host.clock.moment += after  # type: ignore[attr-defined]
    stage.now += after
    stage.host.service.tick()
    while stage.dispatcher.pump_queue(DUE_QUEUE, stage.now):
        pass


def window(stage: Stage) -> Window:
    found: Window = stage.host.service.loop.head("demand").state.windows.open[DAY]
    return found


def counted(stage: Stage) -> int:
    return sum(batch.count for batch in window(stage).inputs)


@pytest.mark.parametrize(
    "spelled",
    [
        lambda n: line(n),
        lambda n: line(n, data=row(n)),
        lambda n: line(n, data=json.dumps([row(n)])),
        lambda n: line(n, data=json.dumps(row(n))),
        lambda n: line(n, specversion="1.0", id=str(n), type="azureml.inference.model_inputs"),
    ],
    ids=["bare", "object", "text of a list", "text of an object", "cloud event"],
)
@pytest.mark.parametrize("between", [b"\n", b"\r\n", b"", b" "], ids=repr)
def test_all_rows_of_a_file_without_a_last_line_end_are_counted(
    stage: Stage, spelled: Callable[[int], bytes], between: bytes
) -> None:
    whole = between.join(spelled(number) for number in range(40))
    announce(stage, INPUTS, whole[: len(whole) // 2])
    announce(stage, INPUTS, whole)
    assert counted(stage) == 40
    assert sum(one.get("bad", 0) for one in stage.said("demand", "read")) == 0
    later(stage, 2 * QUIET)
    assert stage.said("demand", "unfinished") == []


def test_what_is_lost_at_either_end_of_a_file_is_told(stage: Stage) -> None:
    content = b"\n".join(line(number) for number in range(40))[20:-5]
    announce(stage, INPUTS, content)
    assert counted(stage) == 38
    (read,) = stage.said("demand", "read")
    assert (read["bad"], read["reason"][:16]) == (1, "line 1: not JSON")
    later(stage, QUIET)
    (told,) = stage.said("demand", "unfinished")
    assert (told["blob"], told["bad"]) == (INPUTS, 1)
    assert "bytes of an unfinished line" in told["reason"]
    assert stage.host.service.loop.head("demand").state.counts["bad"] == 2


@pytest.mark.parametrize(
    "address",
    [
        "mdc/1.json",
        "https://mine.blob.core.windows.net/logs/mdc/1.json?sv=1&sig=x",
        "https://mine.dfs.core.windows.net/logs/mdc/1.json",
        "abfss://logs@mine.dfs.core.windows.net/mdc/1.json",
        "wasbs://logs@mine.blob.core.windows.net/mdc/1.json",
    ],
)
@pytest.mark.parametrize("spelling", ["dataref", "datainblob"])
def test_rows_in_a_file_of_their_own_are_fetched(stage: Stage, address: str, spelling: str) -> None:
    file = stage.host.logs / "mdc" / "1.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps([row(1), row(2), row(3)]))
    fields = {"data": ..., "dataref": address}
    if spelling == "datainblob":
        fields = {"data": address, "datainblob": "true"}
    announce(stage, INPUTS, b"\n".join([line(0), line(1, **fields), line(2, data=None)]))
    assert counted(stage) == 4
    (read,) = stage.said("demand", "read")
    assert (read["bad"], read["reason"]) == (1, "line 3: no rows under 'data'")


def test_raw_names_lead_to_the_model_and_unknown_deployments_are_told(stage: Stage) -> None:
    outputs = INPUTS.replace("model_inputs", "model_outputs")
    traffic = {"time": AT.isoformat(), "correlationid": "r1", "status": 200, "duration_ms": 1.0}
    announce(stage, INPUTS, line(1))
    announce(stage, outputs.replace("Raw_Demand", "raw_demand"), line(1, data={"score": 0.5}))
    named = [{**traffic, "deployment": name} for name in ("Raw_Blue", "RAW_BLUE", "Raw_Green")]
    content = b"".join(json.dumps(one).encode() + b"\n" for one in named)
    announce(stage, f"traffic/Raw_Demand/{AT:%Y/%m/%d}/a.jsonl", content)
    assert counted(stage) == 1
    assert [version for version, _ in window(stage).outputs] == ["first"]
    (told,) = stage.said("demand", "stranger")
    assert told["deployment"] == "Raw_Green"
    announce(stage, INPUTS.replace("Raw_Demand", "Other_Demand"), line(1))
    assert stage.said("fleet", "parked") == []
    assert counted(stage) == 1


def test_a_version_registered_under_the_raw_name_is_the_models(stage: Stage) -> None:
    fields = {"modelName": "sklearn_regression_model", "modelVersion": "8"}
    stage.deliver([grid("r8", f"{LEARNING}ModelRegistered", fields)])
    stage.settle()
    (told,) = stage.said("demand", "registered")
    assert told["version"] == "8"
