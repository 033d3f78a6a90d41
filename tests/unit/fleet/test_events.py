"""Events normalised: two schemas, any spelling, every type, and what is malformed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Refused
from engine.inbox import insert
from engine.step import Delivery
from engine.store import check
from engine.texts import joined
from fleet.document.policies import Fleet
from fleet.envelope import event
from fleet.events import Everywhere, Hint, delivery
from fleet.model.changes import LONGEST_AUTHOR, LONGEST_TEXT
from fleet.model.facts import FACTS, Asked, Hinted, LogGrew, Noted, Registered, Unrecognised
from fleet.model.records import Collection
from fleet.workspace_events import Foreign

CONTAINER = "/blobServices/default/containers/logs/blobs/"
INPUTS = "modelDataCollector/shop-demand/v1/model_inputs/2024/03/04/10/100000-ab.jsonl"


def grid(kind: str, data: Any = None, **more: Any) -> dict[str, Any]:
    """An event in Event Grid's own schema."""
    return {
        "id": "e1", "eventType": kind, "topic": "/subscriptions/s", "subject": "",
        "eventTime": "2024-03-04T10:00:00Z", "dataVersion": "1", "data": data or {}, **more,
    }  # fmt: skip


def cloud(kind: str, data: Any = None, **more: Any) -> dict[str, Any]:
    """The same as a CloudEvent."""
    return {
        "id": "e1", "specversion": "1.0", "type": kind, "source": "/subscriptions/s",
        "subject": "", "time": "2024-03-04T11:00:00+01:00", "data": data or {}, **more,
    }  # fmt: skip


def sent(document: dict[str, Any], fleet: Fleet) -> Delivery | Everywhere | Hint | Foreign | None:
    return delivery(event(document), fleet)


def blob(path: str, size: Any = 10, schema: Any = grid) -> dict[str, Any]:
    data = {"contentLength": size}
    found: dict[str, Any] = schema("Microsoft.Storage.BlobCreated", data, subject=CONTAINER + path)
    return found


AT = datetime(2024, 3, 4, 10, tzinfo=UTC)
BLOB = "Microsoft.Storage.BlobCreated"
REGISTERED = "Microsoft.MachineLearningServices.ModelRegistered"
DEPLOYED = "Microsoft.MachineLearningServices.ModelDeployed"
COMPLETED = "Microsoft.MachineLearningServices.RunCompleted"
CHANGED = "Microsoft.MachineLearningServices.RunStatusChanged"
DRIFT = "Microsoft.MachineLearningServices.DatasetDriftDetected"


@pytest.mark.parametrize("schema", [grid, cloud])
@pytest.mark.parametrize(
    ("kind", "data", "partition", "fact"),
    [
        (
            "Driftwarden.LabelsArrived",
            {"model": "demand", "blob": "labels/a.jsonl", "size": 7},
            "demand",
            LogGrew("labels/a.jsonl", 7, Collection.labels),
        ),
        (
            "Driftwarden.RetrainRequested",
            {"model": "demand", "reason": "new prices"},
            "demand",
            Asked("event", "/subscriptions/s", "new prices", "e1"),
        ),
        (
            "Driftwarden.RetrainRequested",
            {"model": "fraud"},
            "fraud",
            Asked("event", "/subscriptions/s", "Driftwarden.RetrainRequested", "e1"),
        ),
        (
            "Microsoft.MachineLearningServices.DatasetDriftDetected",
            {"Model": "demand"},
            "demand",
            Asked(
                "event", "/subscriptions/s",
                "Microsoft.MachineLearningServices.DatasetDriftDetected", "e1",
            ),
        ),
        (
            REGISTERED,
            {"ModelName": "demand", "ModelVersion": 7},
            "demand",
            Registered("7", at=AT),
        ),
        (
            REGISTERED,
            {
                "modelName": "demand", "modelVersion": "v2",
                "modelTags": {
                    "driftwarden.shadow_waived_by": "m.okafor", "driftwarden.reason": "hurry",
                },
            },
            "demand",
            Registered("v2", "registered", "m.okafor", "hurry", AT),
        ),
        (
            DRIFT,
            {"DataDriftName": "fraud", "DataDriftId": "d", "RunId": "r", "DriftCoefficient": 0.8},
            "fraud",
            Asked("event", "/subscriptions/s", DRIFT, "e1"),
        ),
        (
            DEPLOYED,
            {"ServiceName": "shop-demand", "ModelIds": "other:1"},
            "demand",
            Noted(DEPLOYED, "shop-demand", AT),
        ),
        (
            DEPLOYED,
            {"serviceName": "elsewhere", "modelIds": "other:1, fraud:7"},
            "fraud",
            Noted(DEPLOYED, "elsewhere", AT),
        ),
        (COMPLETED, {"runId": "demand-run-3"}, "demand", Hinted("demand-run-3")),
        (COMPLETED, {"RunId": "fraud-run-12-2"}, "fraud", Hinted("fraud-run-12-2")),
        (
            CHANGED,
            {"runId": "x1", "runStatus": "Failed", "runTags": {"Driftwarden.Run": "demand-run-1"}},
            "demand",
            Hinted("demand-run-1"),
        ),
        (
            CHANGED,
            {"runId": "x1", "runProperties": {"driftwarden.run": "demand-run-2-1"}},
            "demand",
            Hinted("demand-run-2-1"),
        ),
        (COMPLETED, {"runId": "demand-run-4", "runTags": [1]}, "demand", Hinted("demand-run-4")),
        (
            COMPLETED,
            {"runTags": "x", "runProperties": {"driftwarden.run": "demand-run-2-1"}},
            "demand",
            Hinted("demand-run-2-1"),
        ),
        ("Contoso.Lunch", {"a": 1}, "fleet", Unrecognised("Contoso.Lunch", "/subscriptions/s")),
    ],
)  # fmt: skip
def test_every_type_in_both_schemas(
    fleet: Fleet, schema: Any, kind: str, data: dict[str, Any], partition: str, fact: Any
) -> None:
    unknown = "unrecognised:" if partition == "fleet" else ""
    assert sent(schema(kind, data), fleet) == Delivery(
        partition, f"{unknown}{kind}:e1:/subscriptions/s", fact
    )


NOTED = "Driftwarden.Changed"
NOON = datetime(2024, 3, 4, 12, tzinfo=UTC)
ENDPOINT = (
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
    "/onlineEndpoints/shop-demand"
)


@pytest.mark.parametrize("schema", [grid, cloud])
@pytest.mark.parametrize(
    ("data", "fact"),
    [
        ({"text": "v2 of the feature pipeline"}, Noted(
            NOTED, "v2 of the feature pipeline", AT, "note", "/subscriptions/s")),
        ({"text": "price: EUR", "kind": "schema", "by": "ada"}, Noted(
            NOTED, "price: EUR", AT, "schema", "ada")),
        ({"text": "sale", "kind": "campaign", "at": "2024-03-04T13:00:00+01:00",
          "until": "2024-03-05T00:00:00Z"}, Noted(
            NOTED, "sale", NOON, "campaign", "/subscriptions/s", datetime(2024, 3, 5, tzinfo=UTC))),
        ({"text": "two\nlines\t and \u202e more"}, Noted(
            NOTED, r"two lines and \u202e more", AT, "note", "/subscriptions/s")),
        ({"text": "<b>*x*</b> \U0001f600", "by": "\x1b[2J"}, Noted(
            NOTED, "<b>*x*</b> \U0001f600", AT, "note", r"\x1b[2J")),
    ],
)  # fmt: skip
def test_a_reported_change_goes_to_its_model_or_to_all(
    fleet: Fleet, schema: Any, data: dict[str, Any], fact: Noted
) -> None:
    name = f"{NOTED}:e1:/subscriptions/s"
    one = sent(schema(NOTED, {"model": "demand", **data}), fleet)
    assert one == Delivery("demand", name, fact)
    assert sent(schema(NOTED, {"model": "--all", **data}), fleet) == Everywhere(name, fact)


def test_texts_of_a_reported_change_are_bounded(fleet: Fleet) -> None:
    data = {"model": "demand", "text": "x" * 100_000, "by": "\ud800" * 5_000}
    found = sent(grid(NOTED, data), fleet)
    assert isinstance(found, Delivery)
    assert len(found.fact.subject) == LONGEST_TEXT
    assert len(found.fact.by) == LONGEST_AUTHOR
    check("demand", [insert(FACTS, found, AT)])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"model": "demand"}, "event e1: data: the text is empty"),
        ({"model": "demand", "text": " \n "}, "event e1: data: the text is empty"),
        ({"model": "demand", "text": 7}, "data.text is int, text is expected"),
        ({"model": "demand", "text": "x", "kind": "party"}, "kind 'party'; known are note"),
        ({"model": "demand", "text": "x", "kind": ["schema"]}, "data.kind is list"),
        ({"model": "demand", "text": "x", "by": {}}, "data.by is dict"),
        ({"model": "demand", "text": "x", "at": "soon"}, "the time 'soon' is not an ISO 8601"),
        ({"model": "demand", "text": "x", "until": 5}, "the time 5 is not an ISO 8601 instant"),
        ({"model": "demand", "text": "x", "until": "2024-03-04T09:59:59Z"}, "is before at"),
        ({"model": "demand", "text": "x", "at": "9999-01-01T00:00:00Z"}, "at the year 9999"),
        ({"model": "demand", "text": "x", "at": "0001-01-01T00:00:00Z"}, "at the year 1:"),
        ({"model": "nobody", "text": "x"}, "model 'nobody' is not in fleet.yaml"),
        ({"model": "*", "text": "x"}, "model '*' is not in fleet.yaml"),
        ({"text": "x"}, "data.model is missing"),
    ],
)
def test_a_reported_change_that_cannot_be_read_is_refused(
    fleet: Fleet, data: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Refused) as refused:
        sent(grid(NOTED, data), fleet)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        (COMPLETED, {"runTags": {"driftwarden.model": "demand"}, "experimentName": "features"},
         "run r1 of experiment features: Completed"),
        (CHANGED, {"runStatus": "Failed", "experimentName": "shop-demand"},
         "run r1 of experiment shop-demand: Failed"),
        (CHANGED, {"runStatus": "Canceled", "experimentName": "Demand"},
         "run r1 of experiment Demand: Canceled"),
        (CHANGED, {"runStatus": "Canceled", "experimentName": "demand"},
         "run r1 of experiment demand: Canceled"),
        (CHANGED, {"runStatus": "Running", "experimentName": "demand"}, None),
        (CHANGED, {"runStatus": "Failed", "experimentName": "features"}, None),
        (COMPLETED, {"runTags": {"driftwarden.model": "nobody"}}, None),
        (COMPLETED, {"experimentName": ["demand"]}, None),
    ],
)  # fmt: skip
def test_a_run_of_others_that_names_a_model_is_a_change_around_it(
    fleet: Fleet, kind: str, data: dict[str, Any], text: str | None
) -> None:
    found = sent(grid(kind, {"runId": "r1", **data}), fleet)
    if text is None:
        assert found is Foreign.RUN
        return
    assert isinstance(found, Delivery)
    fact = Noted("Driftwarden.Changed", text, AT, "note", "Azure Machine Learning")
    assert (found.partition, found.fact) == ("demand", fact)


@pytest.mark.parametrize(
    ("kind", "uri", "text"),
    [
        (
            "Write",
            f"{ENDPOINT}/deployments/blue",
            "deployment blue of endpoint shop-demand written",
        ),
        (
            "Delete",
            f"{ENDPOINT}/deployments/blue".upper(),
            "deployment BLUE of endpoint SHOP-DEMAND deleted",
        ),
        ("Write", ENDPOINT, None),
        ("Write", f"{ENDPOINT}-2/deployments/blue", None),
        ("Write", f"{ENDPOINT}/deployments/blue/x", None),
        ("Write", "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/x", None),
        ("Write", "", None),
    ],
)
@pytest.mark.parametrize("place", ["subject", "data"])
def test_a_deployment_that_azure_tells_of_is_a_change_around_its_model(
    fleet: Fleet, kind: str, uri: str, text: str | None, place: str
) -> None:
    document = grid(f"Microsoft.Resources.Resource{kind}Success", subject=uri)
    if place == "data":
        document |= {"subject": "x", "data": {"resourceUri": uri}}
    found = sent(document, fleet)
    if text is None:
        assert found is Foreign.DEPLOYMENT
        return
    assert isinstance(found, Delivery)
    fact = Noted("Driftwarden.Changed", text, AT, "deployment", "Azure")
    assert (found.partition, found.fact) == ("demand", fact)


@pytest.mark.parametrize("schema", [grid, cloud])
@pytest.mark.parametrize(
    ("path", "fact"),
    [
        (INPUTS, LogGrew(INPUTS, 10, Collection.inputs, "v1")),
        (
            "modelDataCollector/shop-demand/v2/model_outputs/a.parquet",
            LogGrew(
                "modelDataCollector/shop-demand/v2/model_outputs/a.parquet", 10,
                Collection.outputs, "v2",
            ),
        ),
        (
            "traffic/shop-demand/2024/a.jsonl",
            LogGrew("traffic/shop-demand/2024/a.jsonl", 10, Collection.traffic),
        ),
    ],
)  # fmt: skip
def test_log_files_go_to_the_model_of_their_endpoint(
    fleet: Fleet, schema: Any, path: str, fact: LogGrew
) -> None:
    found = sent(blob(path, schema=schema), fleet)
    assert found == Delivery("demand", f"grew:10:{path}", fact)


@pytest.mark.parametrize(
    "path",
    [
        "backup/a.bin", "modelDataCollector/shop-demand/v1/model_inputs/a.txt", "traffic/a",
        "modelDataCollector/shop-demand/v1/model_inputs", "traffic/shop-demand/a.parquet",
        "modelDataCollector/shop-demand/v1/request/2024/03/04/10/a.jsonl",
        "modelDataCollector/lost/v1/model_inputs/2024/03/04/10/a.jsonl",
        "mdc/shop-demand/v1/model_inputs/2024/03/04/10/a.jsonl",
        "traffic/lost/a.jsonl", "azureml/ExperimentRun/dcid.x/user_logs/std_log.txt",
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [10, 0, "big", -1, None])
def test_files_of_others_are_theirs_whatever_else_is_said(
    fleet: Fleet, path: str, size: Any
) -> None:
    assert sent(blob(path, size), fleet) is Foreign.FILE


@pytest.mark.parametrize("schema", [grid, cloud])
@pytest.mark.parametrize("path", [INPUTS, "traffic/shop-demand/2024/03/04/10/a.jsonl"])
def test_an_empty_file_is_a_hint_to_look(fleet: Fleet, schema: Any, path: str) -> None:
    """An append blob is announced once, when it is created; no event tells that it grows."""
    assert sent(blob(path, 0, schema), fleet) == Hint("demand", path)


def test_events_about_files_are_ignored_where_they_are_switched_off(
    resolve: Callable[..., Fleet],
) -> None:
    off = resolve(("grace: PT2H", "grace: PT2H, events: off"))
    for size in (10, 0):
        assert sent(blob(INPUTS, size), off) is None
    assert sent(blob(INPUTS.replace("shop-demand", "fraud")), off)


@pytest.mark.parametrize(
    ("logs", "container", "path", "ours"),
    [
        ("path: mdc", "logs", "mdc/shop-demand/v1/model_inputs/2024/03/04/a.jsonl", True),
        ("path: mdc", "logs", INPUTS, False),
        ("path: a/b", "logs", "a/b/Shop-Demand/v1/model_outputs/2024/03/04/10/a.jsonl", True),
        ("container: theirs", "theirs", INPUTS, True),
        ("container: theirs", "logs", INPUTS, False),
        ("payloads: yes", "logs", INPUTS.replace("model_inputs", "request"), True),
        ("payloads: yes", "logs", INPUTS.replace("model_inputs", "response"), True),
        ("payloads: yes", "logs", INPUTS, False),
    ],
)
def test_files_are_where_the_policy_says(
    resolve: Callable[..., Fleet], logs: str, container: str, path: str, ours: bool
) -> None:
    own = resolve(("grace: PT2H", f"grace: PT2H, {logs}"))
    document = grid(
        BLOB, {"contentLength": 7},
        subject=f"/blobServices/default/containers/{container}/blobs/{path}",
    )  # fmt: skip
    found = delivery(event(document), own, lambda: "logs")
    assert isinstance(found, Delivery) is ours
    assert ours or found is Foreign.FILE


@pytest.mark.parametrize("api", ["CreateFile", "SftpCreate"])
def test_a_file_that_has_just_begun_says_nothing(fleet: Fleet, api: str) -> None:
    """On ADLS the creation comes first, of length 0 or none; the close says how long it became."""
    begun = grid(BLOB, {"api": api}, subject=CONTAINER + INPUTS)
    assert sent(begun, fleet) is None
    data = {"api": "FlushWithClose", "contentLength": 12, "blobType": "BlockBlob"}
    closed = sent(grid(BLOB, data, subject=CONTAINER + INPUTS), fleet)
    assert isinstance(closed, Delivery)
    assert closed.fact == LogGrew(INPUTS, 12, Collection.inputs, "v1")


def test_files_of_other_containers_say_nothing_where_one_is_known(fleet: Fleet) -> None:
    """Not even where they are malformed: they are somebody else's."""
    for document in (blob(INPUTS), blob("traffic/lost/a.jsonl"), blob(INPUTS, "big")):
        assert delivery(event(document), fleet, lambda: "others") is Foreign.FILE
    assert delivery(event(blob(INPUTS)), fleet, lambda: "logs") == sent(blob(INPUTS), fleet)


@pytest.mark.parametrize(
    "data",
    [
        {"runId": "somebody-elses"},
        {"runId": "demand-run-x"},
        {"runId": "demand-run-1-2-3"},
        {"runId": "nobody-run-1"},
        {"runId": "x", "runTags": {"driftwarden.run": "nobody-run-1"}, "runProperties": None},
    ],
)
@pytest.mark.parametrize("kind", [COMPLETED, CHANGED])
def test_runs_of_others_say_nothing(fleet: Fleet, kind: str, data: dict[str, Any]) -> None:
    assert sent(grid(kind, data), fleet) is Foreign.RUN


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (REGISTERED, {"modelName": "nobody", "modelVersion": "1"}),
        (REGISTERED, {"ModelName": "Churn", "ModelVersion": "a/b", "ModelTags": None}),
        (REGISTERED, {"modelName": "demand-2"}),
        (DRIFT, {"DataDriftName": "monitor"}),
        (DRIFT, {"dataDriftName": "their-monitor", "driftCoefficient": 0.9}),
        (DRIFT, {"model": "churn"}),
    ],
)
def test_models_of_others_say_nothing(fleet: Fleet, kind: str, data: dict[str, Any]) -> None:
    assert sent(grid(kind, data), fleet) is Foreign.MODEL


FAILED = "has failed due to one or more features violating metric thresholds"
BREACHED = "azureml_modelmonitor_threshold_breached"


@pytest.mark.parametrize(
    ("data", "partition"),
    [
        ({"runId": "r", "runTags": {BREACHED: f"demand_data_drift {FAILED}"}}, "demand"),
        ({"RunId": "r", "RunTags": {BREACHED.title(): f"fraud_data_quality {FAILED}"}}, "fraud"),
        ({"runId": "r", "runTags": {BREACHED: f"Demand_Prediction_Drift {FAILED}"}}, "demand"),
        ({"runId": "r", "runTags": {BREACHED: f"shop-demand_data_drift {FAILED}: a, b"}}, "demand"),
        (
            {"runId": "r", "runType": None, "runTags": {BREACHED: f"fraud_x\n{FAILED}\n"}},
            "fraud",
        ),
        ({"runId": "r", "runStatus": "Failed", "runTags": {BREACHED: "demand_x " * 400}}, "demand"),
        ({"runId": "r", "runTags": {BREACHED: f"The signal 'demand_drift' {FAILED}.\n"}}, "demand"),
        ({"runId": "r", "runTags": {BREACHED: f"The signal 'Fraud_Data_Drift' {FAILED}"}}, "fraud"),
        ({"runId": "r", "runTags": {BREACHED: f"the signal shop-demand_x {FAILED}"}}, "demand"),
    ],
)
@pytest.mark.parametrize("kind", [COMPLETED, CHANGED])
def test_a_model_monitor_that_tells_a_breach_asks_for_a_retraining(
    fleet: Fleet, kind: str, data: dict[str, Any], partition: str
) -> None:
    found = sent(grid(kind, data), fleet)
    assert found is not None
    assert found.partition == partition
    assert isinstance(found.fact, Asked)
    assert found.fact.verb == "event"
    signal = found.fact.reason.lower().removeprefix("the signal ").removeprefix("'")
    assert signal.startswith((f"{partition}_", "shop-demand_"))
    assert len(found.fact.reason) <= 500
    assert "\n" not in found.fact.reason


@pytest.mark.parametrize(
    "tags",
    [
        {BREACHED: f"churn_data_drift {FAILED}"},
        {BREACHED: f"demand2_data_drift {FAILED}"},
        {BREACHED: "demand"},
        {BREACHED: f"The signal 'data_drift' {FAILED}"},
        {BREACHED: f"The signal 'the signal demand_x' {FAILED}"},
        {BREACHED: ""},
        {BREACHED: None},
        {"azureml_modelmonitor": f"demand_data_drift {FAILED}"},
        {},
        None,
    ],
)
def test_a_breach_of_a_monitor_of_others_says_nothing(
    fleet: Fleet, tags: dict[str, Any] | None
) -> None:
    assert sent(grid(CHANGED, {"runId": "r", "runTags": tags}), fleet) is Foreign.RUN


@pytest.mark.parametrize(
    ("kind", "data", "fact"),
    [
        (REGISTERED, {"ModelName": "demand", "modelVersion": 7.0}, Registered("7", at=AT)),
        (
            REGISTERED,
            {"modelName": "demand", "ModelVersion": "7", "ModelTags": None},
            Registered("7", at=AT),
        ),
        (
            REGISTERED,
            {"MODELNAME": "demand", "modelversion": 7, "ModelProperties": None},
            Registered("7", at=AT),
        ),
        (COMPLETED, {"RunId": "demand-run-3", "runId": None}, Hinted("demand-run-3")),
        (COMPLETED, {"runId": "demand-run-3", "runType": None}, Hinted("demand-run-3")),
        (
            CHANGED,
            {"RunId": "x", "runTags": None, "RunProperties": {"DRIFTWARDEN.RUN": "demand-run-1"}},
            Hinted("demand-run-1"),
        ),
        (
            DEPLOYED,
            {"ServiceName": "elsewhere", "modelIds": ["other:1", "demand:7"]},
            Noted(DEPLOYED, "elsewhere", AT),
        ),
        (
            DEPLOYED,
            {"serviceName": "elsewhere", "ModelIds": None, "modelIds": "demand:7"},
            Noted(DEPLOYED, "elsewhere", AT),
        ),
    ],
)
def test_fields_are_known_by_any_spelling_and_type(
    fleet: Fleet, kind: str, data: dict[str, Any], fact: object
) -> None:
    found = sent(grid(kind, data), fleet)
    assert found is not None
    assert (found.partition, found.fact) == ("demand", fact)


def test_a_deployment_of_models_that_nobody_watches_says_nothing(fleet: Fleet) -> None:
    theirs = grid(DEPLOYED, {"serviceName": "x", "modelIds": "y:1"})
    assert sent(theirs, fleet) is Foreign.DEPLOYMENT


@pytest.mark.parametrize(
    "more",
    [
        {"ModelTags": {"driftwarden.run": "x"}},
        {"ModelTags": {"DriftWarden.Job": "x"}},
        {"ModelVersion": "demand-run-3"},
        {"ModelVersion": "demand-run-3-2"},
        {"ModelProperties": {"azureml.runid": "demand-run-3"}},
    ],
)
def test_a_version_of_our_own_run_says_nothing(fleet: Fleet, more: dict[str, Any]) -> None:
    data = {"ModelName": "demand", "ModelVersion": "r1", **more}
    assert sent(grid(REGISTERED, data), fleet) is None


def test_keys_are_known_whatever_their_case(fleet: Fleet) -> None:
    document = {
        "ID": "e1", "EventType": BLOB, "Subject": CONTAINER + INPUTS,
        "Data": {"ContentLength": 3},
    }  # fmt: skip
    found = sent(document, fleet)
    grew = LogGrew(INPUTS, 3, Collection.inputs, "v1")
    assert found == Delivery("demand", f"grew:3:{INPUTS}", grew)


def test_announcements_of_one_file_at_two_sizes_are_two_deliveries(fleet: Fleet) -> None:
    first, second = (sent({**blob(INPUTS, size), "id": f"e{size}"}, fleet) for size in (10, 20))
    assert isinstance(first, Delivery)
    assert isinstance(second, Delivery)
    assert first.id != second.id


def test_one_size_of_a_file_is_one_delivery_whoever_tells_of_it(fleet: Fleet) -> None:
    first, again = (sent({**blob(INPUTS), "id": name}, fleet) for name in ("e1", "e2"))
    assert first == again


def test_an_id_is_its_sources_own_and_either_schema_is_the_same_event(fleet: Fleet) -> None:
    kind, data = "Driftwarden.RetrainRequested", {"model": "demand"}
    first, again, other = (
        sent(document, fleet)
        for document in (
            grid(kind, data, topic="/Subscriptions/S"),
            cloud(kind, data, source="/subscriptions/s"),
            cloud(kind, data, source="/subscriptions/t"),
        )
    )
    assert isinstance(first, Delivery)
    assert isinstance(again, Delivery)
    assert isinstance(other, Delivery)
    assert first.id == again.id != other.id


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (
            blob(INPUTS, 1 << 60),
            "event e1: data.contentlength is 1152921504606846976, a byte count is expected",
        ),
        (
            grid(COMPLETED, {"runTags": {}}),
            "event e1: data.runid is missing",
        ),
        (
            grid(CHANGED, {"runId": "x", "runTags": "a=b"}),
            "event e1: 'runTags' is not an object",
        ),
        (grid(DEPLOYED, {"modelIds": "demand:1"}), "event e1: data.servicename is missing"),
        (grid(DRIFT, {"RunId": "r"}), "event e1: data.datadriftname is missing"),
        (
            grid("Driftwarden.RetrainRequested", {"model": "demand", "reason": {"a": 1}}),
            "event e1: data.reason is dict, text is expected",
        ),
        (
            grid(BLOB, {"contentLength": 1}, subject="nowhere"),
            "event e1: subject 'nowhere' names no blob",
        ),
        (blob(INPUTS, -1), "event e1: data.contentlength is -1, a byte count is expected"),
        (blob(INPUTS, "9"), "event e1: data.contentlength is '9', a byte count is expected"),
        (blob(INPUTS, True), "event e1: data.contentlength is True, a byte count is expected"),
        (blob(INPUTS, 1.5), "event e1: data.contentlength is 1.5, a byte count is expected"),
        (
            grid(BLOB, {}, subject=CONTAINER + INPUTS),
            "event e1: data.contentlength is None, a byte count is expected",
        ),
        (grid(REGISTERED, {"modelVersion": "1"}), "event e1: data.modelname is missing"),
        (grid(REGISTERED, {"modelName": "demand"}), "event e1: data.modelversion is missing"),
        (
            grid(REGISTERED, {"modelName": "demand", "modelVersion": "a/b"}),
            "version 'a/b': use letters, digits, '.', '_' and '-', at most 63 characters",
        ),
        (
            grid(REGISTERED, {"modelName": "demand", "modelVersion": "1", "modelTags": [1]}),
            "event e1: 'modelTags' is not an object",
        ),
        (
            grid("Driftwarden.LabelsArrived", {"blob": "a", "size": 1}),
            "event e1: data.model is missing",
        ),
        (
            grid("Driftwarden.LabelsArrived", {"model": "nobody", "blob": "a", "size": 1}),
            "event e1: model 'nobody' is not in fleet.yaml",
        ),
        (
            grid("Driftwarden.LabelsArrived", {"model": "demand", "size": 1}),
            "event e1: data.blob is missing",
        ),
        (
            grid("Driftwarden.LabelsArrived", {"model": "demand", "blob": "a", "size": "big"}),
            "event e1: data.size is 'big', a byte count is expected",
        ),
        (
            grid("Driftwarden.RetrainRequested", {"model": True}),
            "event e1: data.model is missing",
        ),
    ],
)
def test_what_is_malformed_is_refused_with_its_reason(
    fleet: Fleet, document: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Refused) as refused:
        sent(document, fleet)
    assert str(refused.value) == reason


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    ["id", "ID", "type", "eventType", "source", "topic", "subject", "time", "eventTime", "data"]
)
FIELDS = st.sampled_from(
    ["contentLength", "api", "model", "blob", "size", "reason", "modelName", "modelVersion",
     "modelTags", "runId", "runTags", "serviceName", "modelIds", "dataDriftName"]
)  # fmt: skip
TYPES = st.sampled_from([BLOB, REGISTERED, DEPLOYED, COMPLETED, CHANGED, DRIFT, "Contoso.Lunch",
                         "Driftwarden.LabelsArrived", "Driftwarden.RetrainRequested"])  # fmt: skip


@given(
    st.one_of(
        JSON,
        st.dictionaries(KEYS, JSON),
        st.builds(grid, TYPES, st.dictionaries(FIELDS, JSON | st.just("demand"))),
        st.builds(blob, st.just(INPUTS) | st.text(min_size=1), JSON),
    )
)
def test_whatever_comes_is_taken_in_or_refused_and_can_be_stored(
    fleet: Fleet, document: Any
) -> None:
    try:
        found = delivery(event(document), fleet)
    except Refused:
        return
    if isinstance(found, Delivery):
        row = insert(FACTS, found, AT)
        assert FACTS.decode(cast(bytes, row.props["body"])) == found.fact
        check(found.partition, [row])


PARTS = st.text("a1:\\/%", max_size=4)


@given(st.tuples(PARTS, PARTS, PARTS), st.tuples(PARTS, PARTS, PARTS))
def test_ids_are_equal_where_type_id_and_source_are(
    one: tuple[str, ...], other: tuple[str, ...]
) -> None:
    assert (joined(*one) == joined(*other)) == (one == other)


ALIKE = (
    (("1", "a:b"), ("1:a", "b")),
    (("1", ":a"), ("1:", "a")),
    (("1\\", "a"), ("1", "\\:a")),
    (("1\\:a", "b"), ("1\\", "a:b")),
    (("a", "a:a"), ("a:a", "a")),
    (("urn:1", "x"), ("urn", "1:x")),
)


@pytest.mark.parametrize(("one", "other"), ALIKE)
@pytest.mark.parametrize(
    "kind", ["Driftwarden.RetrainRequested", "Driftwarden.LabelsArrived", "Contoso.Thing"]
)
def test_no_event_is_taken_for_another(
    desk: Any, kind: str, one: tuple[str, str], other: tuple[str, str]
) -> None:
    found = [
        sent(
            cloud(
                kind,
                {"model": "demand", "blob": "a.jsonl", "size": 7},
                id=name,
                source=source,
                subject=CONTAINER + INPUTS,
            ),
            desk.fleet,
        )
        for name, source in (one, other)
    ]
    assert len({delivered.id for delivered in found}) == 2
    assert [desk.service.loop.deliver(each, AT) for each in found] == [True, True]
    assert [desk.service.loop.deliver(each, AT) for each in found] == [False, False]


def test_an_id_without_colons_is_as_it_always_was(fleet: Fleet) -> None:
    """Events that arrived before an update are known after it."""
    found = sent(cloud("Driftwarden.RetrainRequested", {"model": "demand"}), fleet)
    assert found.id == "Driftwarden.RetrainRequested:e1:/subscriptions/s"


@pytest.mark.parametrize(
    ("kind", "name", "source"),
    [("halted", "demand", "2024-03-04T10:00:00Z"), ("parked", "0" * 64, ""), ("policy", "x", "1")],
)
def test_a_type_from_outside_is_no_delivery_of_our_own(
    fleet: Fleet, kind: str, name: str, source: str
) -> None:
    found = sent(cloud(kind, id=name, source=source or "/"), fleet)
    assert found.id.startswith("unrecognised:")
