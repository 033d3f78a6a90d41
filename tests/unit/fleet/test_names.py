"""Raw names of Azure ML: read wherever they enter, written under fleet.yaml's from there on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from engine.errors import Refused, Unavailable
from engine.step import Delivery
from fleet.counting import LogSource
from fleet.document.policies import Fleet
from fleet.envelope import event
from fleet.events import Everywhere, Hint, delivery
from fleet.model.facts import Asked, LogGrew, Noted, Registered, TrafficSeen
from fleet.model.records import Collection, TrafficCount
from fleet.model.results import TrafficCounted
from fleet.model.tasks import Count, CountTraffic, Join, ReadLog
from fleet.names import behind, check_raw, held_by, repeated, same
from fleet.ports import World
from fleet.work import rows
from fleet.work.read.counting import count_traffic
from fleet.work.read.reading import read_log
from fleet.workspace_events import Foreign
from monitoring.capacity import Vital

AT = datetime(2024, 3, 4, 10, tzinfo=UTC)
LOGS = "logs: {endpoint: shop-demand, grace: PT2H, slow_ms: 100}"
MAPPED = (
    "logs: {endpoint: Shop_Demand, grace: PT2H, slow_ms: 100, "
    "deployments: {v0: Raw.Zero, v1: Raw_Blue, '2': raw-Green-2}}"
)
SERVING = "serving: {champion: v1"
MODEL = "sklearn_regression_model"
CONTAINER = "/blobServices/default/containers/logs/blobs/"
CREATED = "Microsoft.Storage.BlobCreated"
RAW = ["a", "Raw_Name", "sklearn_regression_model", "v1", "A.b-C_9", "7", "x" * 255]


@pytest.fixture
def raw(resolve: Callable[..., Fleet]) -> Fleet:
    """The fleet whose `demand` is called otherwise in Azure ML, in every respect."""
    return resolve((LOGS, MAPPED), (SERVING, f"serving: {{model: {MODEL}, champion: v1"))


@pytest.mark.parametrize("name", RAW)
def test_what_azure_may_call_something_is_a_raw_name(name: str) -> None:
    assert check_raw(name) == name


@pytest.mark.parametrize("name", ["", "_a", "-a", "a/b", "a b", "ä", "a\n", "x" * 256, "a%20b"])
def test_what_it_may_not_is_none(name: str) -> None:
    with pytest.raises(ValueError, match="use letters, digits"):
        check_raw(name)


def test_no_case_counts() -> None:
    assert same("Raw_Name", "rAW_nAME")
    assert not same("raw-name", "raw_name")
    assert repeated(["a", "b", "A"]) == "A"
    assert repeated(["a", "b"]) is None
    assert behind("RAW", {"v1": "Blue", "v2": "raw"}) == "v2"
    assert behind("v1", {"v1": "Blue"}) is None
    assert [held_by(name, {"blue": "7"}) for name in ("blue", "Blue", "green")] == [
        "7", "7", "green",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("logs", "line"),
    [
        ("{endpoint: a/b}", "logs.endpoint: 'a/b': use letters"),
        ("{endpoint: a, deployments: {v1: a b}}", "logs.deployments.v1: 'a b': use letters"),
        ("{endpoint: a, deployments: {v/1: a}}", "logs: deployments: version 'v/1': use letters"),
        (
            "{endpoint: a, deployments: {v1: A, v2: a}}",
            "logs: deployments: 'a' is given for two versions",
        ),
        ("{endpoint: FRAUD}", "is registered"),
    ],
)
def test_names_that_cannot_be_are_refused_where_they_stand(
    resolve: Callable[..., Fleet], logs: str, line: str
) -> None:
    with pytest.raises(Refused) as refused:
        resolve((LOGS, f"logs: {logs}"), (SERVING, "serving: {model: Fraud, champion: v1"))
    assert line in str(refused.value)


def test_two_models_share_no_endpoint_however_it_is_spelled(resolve: Callable[..., Fleet]) -> None:
    with pytest.raises(Refused, match="'demand' reads this endpoint's logs already"):
        resolve((LOGS, "logs: {endpoint: Fraud}"))


def told(
    fleet: Fleet, kind: str, subject: str = "", **data: Any
) -> Delivery | Everywhere | Hint | Foreign | None:
    document = {"id": "e1", "eventType": kind, "topic": "/s", "subject": subject, "data": data}
    return delivery(event(document), fleet)


def sent(fleet: Fleet, kind: str, subject: str = "", **data: Any) -> tuple[str, Any] | None:
    found = told(fleet, kind, subject, **data)
    return (found.partition, found.fact) if isinstance(found, Delivery) else None


def grown(fleet: Fleet, path: str) -> tuple[str, Any] | None:
    return sent(fleet, CREATED, CONTAINER + path, contentLength=7)


@pytest.mark.parametrize(
    ("endpoint", "deployment", "version"),
    [
        ("Shop_Demand", "Raw_Blue", "v1"),
        ("shop_demand", "raw_blue", "v1"),
        ("SHOP_DEMAND", "Raw.Zero", "v0"),
        ("Shop_Demand", "RAW-GREEN-2", "2"),
        ("Shop_Demand", "v7", "v7"),
        ("Shop_Demand", "Other_One", "Other_One"),
    ],
)
@pytest.mark.parametrize("collection", ["model_inputs", "model_outputs"])
def test_a_path_leads_to_the_model_and_its_version(
    raw: Fleet, endpoint: str, deployment: str, version: str, collection: str
) -> None:
    path = f"modelDataCollector/{endpoint}/{deployment}/{collection}/2024/03/04/10/a.jsonl"
    assert grown(raw, path) == ("demand", LogGrew(path, 7, Collection(collection), version))
    path = f"traffic/{endpoint}/2024/03/04/a.jsonl"
    assert grown(raw, path) == ("demand", LogGrew(path, 7, Collection.traffic))


@pytest.mark.parametrize("endpoint", ["shop-demand", "demand", "Shop_Demand2", MODEL, "v1"])
def test_an_endpoint_that_nobody_maps_is_somebody_elses(raw: Fleet, endpoint: str) -> None:
    path = f"modelDataCollector/{endpoint}/v1/model_inputs/2024/a.jsonl"
    assert told(raw, CREATED, CONTAINER + path, contentLength=7) is Foreign.FILE


@pytest.mark.parametrize("name", [MODEL, MODEL.upper(), "demand"])
def test_events_name_a_model_as_the_registry_or_as_fleet_yaml(raw: Fleet, name: str) -> None:
    service = "Microsoft.MachineLearningServices"
    assert sent(raw, f"{service}.ModelRegistered", modelName=name, modelVersion="8") == (
        "demand", Registered("8"),
    )  # fmt: skip
    assert sent(raw, f"{service}.ModelDeployed", serviceName="x", modelIds=f"a:1,{name}:8") == (
        "demand", Noted(f"{service}.ModelDeployed", "x"),
    )  # fmt: skip
    asked = Asked("event", "/s", f"{service}.DatasetDriftDetected", "e1")
    drift = sent(raw, f"{service}.DatasetDriftDetected", dataDriftName=name)
    assert drift == ("demand", asked)
    assert sent(raw, "Driftwarden.RetrainRequested", model=name, reason="r") == (
        "demand", Asked("event", "/s", "r", "e1"),
    )  # fmt: skip
    assert sent(raw, "Driftwarden.LabelsArrived", model=name, blob="l", size=3) == (
        "demand", LogGrew("l", 3, Collection.labels),
    )  # fmt: skip


def test_a_deployment_on_a_raw_endpoint_is_noted(raw: Fleet) -> None:
    kind = "Microsoft.MachineLearningServices.ModelDeployed"
    assert sent(raw, kind, serviceName="shop_DEMAND", modelIds="x:1") == (
        "demand", Noted(kind, "shop_DEMAND"),
    )  # fmt: skip


def test_a_registered_model_that_nobody_maps_is_somebody_elses(raw: Fleet) -> None:
    kind = "Microsoft.MachineLearningServices.ModelRegistered"
    assert told(raw, kind, modelName="Sklearn", modelVersion="1") is Foreign.MODEL


def traffic(deployment: str, name: str) -> bytes:
    found = {
        "time": AT.isoformat(), "deployment": deployment, "correlationid": name, "status": 200,
        "duration_ms": 1.0,
    }  # fmt: skip
    return json.dumps(found).encode() + b"\n"


@pytest.mark.parametrize("many", [1, 200])
def test_traffic_lines_are_counted_and_kept_by_version(raw: Fleet, world: World, many: int) -> None:
    named = ["Raw_Blue", "raw_blue", "v1", "Raw.Zero", "New_One"]
    content = b"".join(traffic(one, f"{one}-{i}") for i in range(many) for one in named)
    world.logs["t"] = content
    effect = ReadLog("t", 0, len(content), Collection.traffic, "", "")
    read = read_log(world, raw.models["demand"], effect)
    assert [(count.deployment, count.requests) for count in read.traffic] == [
        ("New_One", many), ("v0", many), ("v1", 3 * many),
    ]  # fmt: skip
    (batch,) = read.batches
    kept = rows.get(world.blobs, batch.rows)["deployment"].to_pylist()
    assert kept == ["v1", "v1", "v1", "v0", "New_One"] * many


def test_no_traffic_has_no_version(raw: Fleet, world: World) -> None:
    world.logs["t"] = b"\n"
    effect = ReadLog("t", 0, 1, Collection.traffic, "", "")
    assert read_log(world, raw.models["demand"], effect).traffic == ()


class Counting:
    """A log service that counts requests of raw names; nothing else is asked of it."""

    def traffic(
        self, source: LogSource, limits: Mapping[str, float], start: datetime, end: datetime
    ) -> pa.Table:
        assert source.endpoint == "Shop_Demand"
        named = ["raw_blue", "Raw.Zero", "Other"]
        return pa.table(
            {"deployment": named, "hour": [start] * 3, "requests": [9, 5, 1], "errors": [0] * 3,
             "over:": [0] * 3}
        )  # fmt: skip

    def vitals(self, source: LogSource, start: datetime, end: datetime) -> tuple[Vital, ...]:
        raise Unavailable(f"no metrics of {source.endpoint} from {start} to {end}")


def test_requests_counted_elsewhere_are_told_by_version(raw: Fleet, world: World) -> None:
    asked = replace(world, counting=Counting())  # type: ignore[arg-type]
    found = count_traffic(asked, raw.models["demand"], CountTraffic(AT, AT + timedelta(hours=1)))
    assert [count.deployment for count in found.counts] == ["v1", "v0", "Other"]


@pytest.fixture
def counting(resolve: Callable[..., Fleet], telling: Callable[..., Any]) -> Any:
    logs = (
        "logs: {endpoint: Shop_Demand, grace: PT2H, table: Features_CL, outputs: Scores_CL, "
        "deployments: {v1: Raw_Blue}}"
    )
    return telling(resolve((LOGS, logs)).models["demand"]).begin()


def test_a_log_service_is_asked_by_raw_names(counting: Any) -> None:
    """Once by version, though the router says the name again in lower case."""
    names = {"raw_blue": "v1", "zero": "v0"}
    counting.tell(TrafficSeen(AT, {"v1": 100}, (), names)).tell(after=timedelta(days=1))
    (count,) = counting.ever(Count)
    assert count.served == (("Raw_Blue", "v1"),)
    assert count.scored == (("zero", "v0"), ("Raw_Blue", "v1"))


# Deployments that nobody knows


def met(story: Any) -> list[str]:
    return [line["deployment"] for line in story.said("stranger")]


def test_a_deployment_that_nobody_knows_is_told_once(begun: Any) -> None:
    for size in (10, 20):
        begun.tell(LogGrew("o", size, Collection.outputs, "Raw_Blue"))
    begun.tell(LogGrew("p", 10, Collection.inputs, "Raw_Blue"))
    assert met(begun) == ["Raw_Blue"]
    assert "logs.deployments" in begun.said("stranger")[0]["reason"]


def test_requests_that_a_stranger_answered_are_told(begun: Any) -> None:
    count = TrafficCount("Raw_Blue", AT, AT + timedelta(hours=1), 9, 0, 0)
    begun.tell(TrafficCounted(AT, count.end, (count, replace(count, deployment="v1"))))
    assert met(begun) == ["Raw_Blue"]


@pytest.mark.parametrize("known", ["v1", "v0"])
def test_champion_and_yardstick_are_no_strangers(begun: Any, known: str) -> None:
    begun.tell(LogGrew("o", 10, Collection.outputs, known))
    assert met(begun) == []


@pytest.mark.parametrize("spelled", ["blue", "Blue", "BLUE"])
def test_what_the_router_told_of_is_no_stranger(begun: Any, spelled: str) -> None:
    begun.tell(TrafficSeen(AT, {"v1": 100}, (), {"blue": "7"}))
    begun.tell(LogGrew("o", 10, Collection.outputs, spelled))
    assert met(begun) == []
    assert begun.state.logs.blobs["o"].deployment == "7"


def test_what_is_mapped_is_no_stranger(raw: Fleet, telling: Callable[..., Any]) -> None:
    story = telling(raw.models["demand"]).begin()
    path = "modelDataCollector/Shop_Demand/RAW-GREEN-2/model_outputs/2024/03/04/10/a.jsonl"
    found = grown(raw, path)
    assert found is not None
    story.tell(found[1])
    assert met(story) == []


def test_labels_are_nobodys(begun: Any) -> None:
    begun.tell(LogGrew("l", 10, Collection.labels))
    assert met(begun) == []


def test_a_log_full_of_strangers_does_not_fill_the_state(begun: Any) -> None:
    for number in range(200):
        begun.tell(LogGrew(f"o{number}", 10, Collection.outputs, f"Raw_{number}"))
    assert len(begun.state.logs.strangers) == len(met(begun)) == 50


def test_joins_know_deployments_by_any_case(begun: Any) -> None:
    """What was told by the router goes with the join; see `held_by`."""
    begun.tell(TrafficSeen(AT, {"v1": 100}, (), {"blue": "v1"}))
    begun.batch("2024-03-04").batch("2024-03-04", Collection.outputs)
    begun.tell(after=timedelta(days=30))
    assert begun.ever(Join)[-1].names == {"blue": "v1"}


def test_a_document_without_raw_names_is_as_it_was(fleet: Fleet) -> None:
    logs = fleet.models["demand"].policy.logs
    assert (logs.deployment_of("v1"), logs.version_of("v1")) == ("v1", "v1")
    assert fleet.models["demand"].registered_as == "demand"
