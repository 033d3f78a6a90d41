"""The whole domain opened on Azure: Azurite, and doubles of what is asked for here."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

import function_app
from commands.operate import ask
from engine import journal
from engine.clock import SetClock
from engine.errors import Refused, Unavailable
from fleet.commands import Command
from fleet.counting import LogSource
from fleet.ports import World
from fleet.proof import prove
from fleet.telemetry import Silent
from hosts import keys, read_config
from hosts.azure import evidence, settings
from hosts.azure.cloud import Cloud
from hosts.azure.host import STORAGE, AzureHost
from hosts.azure.storage.blobs import CONTAINER
from hosts.contained.opening import open_followed
from hosts.local.files import BLOB_NAME
from hosts.local.opening import serve_fleet
from hosts.messages import ingest_message
from tests.doubles import azurite
from tests.doubles.azureml import AzureML
from tests.doubles.azureml_client import WorkspaceCredential
from tests.doubles.insights import Insights
from tests.doubles.tls import Authority
from tests.doubles.tokens import LoopbackCredential
from tests.unit.hosts.contained.shelf import DOCUMENT, Shelf, present

TINY = Path(__file__).parents[3] / "resources/tiny"
NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)


@pytest.fixture
def document(tmp_path: Path) -> dict[str, Any]:
    """The tiny fleet as one in Azure, to be changed."""
    shutil.copytree(TINY, tmp_path / "fleet")
    found: dict[str, Any] = yaml.safe_load((TINY / "fleet.yaml").read_text())
    found |= {"store": "azure:", "receivers": {"duty": {"kind": "terminal"}}}
    found["models"]["demand"]["training"] = {"job": "train.yml"}
    return found


@pytest.fixture
def insights(certificates: Authority) -> Iterator[Insights]:
    with Insights(certificates) as running:
        yield running


@pytest.fixture
def known(insights: Insights) -> Iterator[dict[str, str]]:
    """The app's settings, of a storage account that holds nothing of the app."""
    account = azurite.account()
    queues, tables = account.queues(), account.tables()
    for queue in list(queues.list_queues("driftwarden-")):
        queues.delete_queue(queue.name)
    tables.delete_table("driftwarden")
    yield {
        settings.SUBSCRIPTION: "s",
        settings.RESOURCE_GROUP: "g",
        settings.WORKSPACE: "w",
        settings.TOPIC: "https://localhost:1/api/events",
        settings.LOGS_CONTAINER: "logs",
        settings.TELEMETRY: insights.connection,
        STORAGE: account.secret,
    }
    account.close()


@pytest.fixture
def opened(
    tmp_path: Path, document: dict[str, Any], known: dict[str, str], certificates: Authority
) -> Iterator[Callable[[], AzureHost]]:
    """Open the host on the document as it stands then."""
    made: list[AzureHost] = []

    def build() -> AzureHost:
        file = tmp_path / "fleet" / "fleet.yaml"
        file.write_text(yaml.safe_dump(document))
        cloud = Cloud(LoopbackCredential(), trusted=str(certificates.bundle))
        made.append(AzureHost(read_config(file), file.parent, known, cloud, SetClock(NOW)))
        return made[-1]

    yield build
    for host in made:
        host.close()


def test_a_fleet_begins_and_its_doorbell_carries_the_trace(opened: Callable[[], AzureHost]) -> None:
    host = opened()
    with host.telemetry.span("driftwarden.ingest", {}):
        host.service.begin()
        trace = host.telemetry.traceparent()
    messages = [json.loads(message.body) for message in host.queues.due.receive()]
    assert {message["partition"] for message in messages} == {"demand"}
    assert {message["traceparent"] for message in messages} == {trace}
    assert host.service.health()["partitions"] == 1


def test_a_bell_for_a_moment_is_hidden_until_then(opened: Callable[[], AzureHost]) -> None:
    host = opened()
    host.ring_at("oncall:shop", NOW + timedelta(hours=1))
    assert host.queues.due.receive() == []
    assert host.queues.due.waiting() == 1


def test_an_event_that_came_late_waits_in_the_queue_of_events(
    opened: Callable[[], AzureHost],
) -> None:
    host = opened()
    host.service.begin()
    keep = host.service.keep
    assert keep is not None
    event = {"id": "e1", "eventType": "Driftwarden.RetrainRequested", "data": {"model": "demand"}}
    keep(json.dumps(event), timedelta(0))
    keep(json.dumps({**event, "id": "e2"}), timedelta(hours=1))
    (message,) = host.queues.events.receive()
    ingest_message(host.service, message.body.encode())
    waiting = [str(row.props["id"]) for row in host.store.scan("demand", "in:", pending=True)]
    assert sum("RetrainRequested" in name for name in waiting) == 1
    assert (host.queues.events.waiting(), host.queues.refused.waiting()) == (2, 0)


def test_a_command_is_handed_over_and_left_to_the_app(opened: Callable[[], AzureHost]) -> None:
    host = opened()
    host.service.begin()
    host.queues.due.receive()
    command = Command("retrain", "demand", "g.hopper", "new prices", "c1")
    assert ask(host, function_app.app, command) == ["demand"]
    assert [json.loads(m.body)["partition"] for m in host.queues.due.receive()] == ["demand"]
    waiting = host.store.scan("demand", "in:", pending=True)
    assert {str(row.props["id"]) for row in waiting} >= {"command:c1"}
    assert host.service.loop.seal.keys


@pytest.fixture
def nothing_kept(known: dict[str, str]) -> None:
    """Nothing of an earlier app beside the store: neither a key nor anchors."""
    account = azurite.account()
    container = account.blobs().get_container_client(CONTAINER)
    if container.exists():
        for name in list(container.list_blob_names()):
            if not BLOB_NAME.fullmatch(name):
                container.delete_blob(name)
    account.close()


def test_its_journals_are_verified_without_writing(
    nothing_kept: None, opened: Callable[[], AzureHost], known: dict[str, str]
) -> None:
    host, cloud = opened(), Cloud(LoopbackCredential())
    with evidence.opened(host.config, known, cloud) as found:
        assert prove(found, host.config.fleet.models).notes == ("demand: has not begun",)
    host.service.begin()
    host.service.drain("demand")
    for _ in range(2):
        host.service.anchor()
        host.service.drain("fleet")
    with evidence.opened(host.config, known, cloud) as found:
        assert {anchor.partition for anchor in found.anchors} == {"demand"}
        proof = prove(found, host.config.fleet.models)
    assert (proof.findings, proof.notes) == ((), ())
    assert proof.signed_from == {"demand": 1, "fleet": 1}
    assert opened().service.loop.seal == host.service.loop.seal
    with evidence.opened(host.config, known | {keys.SETTING: "x" * 40}, cloud) as found:
        said = prove(found, host.config.fleet.models).findings
    assert all("signed with a key that is not known here" in line for line in said)
    assert len(said) == 2


def test_damaged_anchors_are_a_finding(
    nothing_kept: None, opened: Callable[[], AzureHost], known: dict[str, str]
) -> None:
    host, account = opened(), azurite.account()
    account.blobs().get_blob_client(CONTAINER, "anchors/2026-03.jsonl").upload_blob(b"{}\n")
    account.close()
    with evidence.opened(host.config, known, Cloud(LoopbackCredential())) as found:
        (line,) = prove(found, host.config.fleet.models).findings
    assert line.startswith("anchors/2026-03.jsonl:1: no anchors")


def test_the_setting_goes_before_the_kept_key(
    opened: Callable[[], AzureHost], known: dict[str, str]
) -> None:
    known[keys.SETTING] = "a key of the setting that is long enough"
    assert opened().service.loop.seal == keys.setting(known)


def test_it_is_served_by_the_functions_app_alone(opened: Callable[[], AzureHost]) -> None:
    with pytest.raises(Refused, match="the Functions app serves it"):
        serve_fleet(opened(), function_app.app, 0)


def test_a_tick_measures_what_waits_for_an_operator(
    opened: Callable[[], AzureHost], insights: Insights
) -> None:
    host = opened()
    host.service.begin()
    host.queues.refused.put("{}")
    host.measure()
    host.close()
    found = [(one["metrics"][0], one["properties"]) for one in insights.of("MetricData")]
    waiting = {
        said["place"]: metric["value"]
        for metric, said in found
        if metric["name"] == "driftwarden.waiting"
    }
    assert waiting == {
        "driftwarden-due-poison": 0,
        "events-poison": 0,
        "driftwarden-refused": 1,
        "deadletter": 0,
    }
    assert [m["value"] for m, _ in found if m["name"] == "driftwarden.heartbeat"] == [1]


@pytest.mark.parametrize(
    ("part", "value", "words"),
    [
        ("training", {"command": ["x"]}, "Azure takes a job file, training.job"),
        ("serving", {"champion": "first", "mirror": 80}, "50 at most in Azure"),
    ],
)
def test_what_only_one_machine_can_do_is_refused(
    opened: Callable[[], AzureHost], document: dict[str, Any], part: str, value: Any, words: str
) -> None:
    document["models"]["demand"][part] = value
    with pytest.raises(Refused, match=words):
        opened()


Part = Callable[[World], object]
SOURCE = LogSource("", "Requests", "demand")
WHEN = (NOW, NOW + timedelta(hours=1))

#: By the settings that are taken away or changed: the part that needs them, and its reason.
PARTS: dict[str, tuple[dict[str, str | None], Part, str]] = {
    "a reference for the topic": (
        {settings.TOPIC: "@Microsoft.KeyVault(VaultName=v;SecretName=s)"},
        lambda w: w.publisher.publish("k", "Driftwarden.X", "demand", {}, NOW),
        "EVENTGRID_TOPIC_ENDPOINT not set",
    ),
    "no workspace": (
        {settings.WORKSPACE: None},
        lambda w: w.serving.traffic("demand"),
        "AZUREML_WORKSPACE_NAME not set",
    ),
    "nothing of the workspace": (
        {settings.SUBSCRIPTION: None, settings.RESOURCE_GROUP: "", settings.WORKSPACE: " "},
        lambda w: w.trainer.poll("r", NOW),
        "AZURE_SUBSCRIPTION_ID, AZURE_RESOURCE_GROUP, AZUREML_WORKSPACE_NAME not set",
    ),
    "a reference for the group": (
        {settings.RESOURCE_GROUP: "@Microsoft.KeyVault(VaultName=v;SecretName=s)"},
        lambda w: w.registry.tag("demand", "v1", {}, None),
        "AZURE_RESOURCE_GROUP not set",
    ),
    "no container of logs, and nobody to ask": (
        {settings.LOGS_CONTAINER: None, settings.WORKSPACE: None},
        lambda w: w.logs.read("a.jsonl", 0, 1),
        "AZUREML_WORKSPACE_NAME not set; .*; or set DRIFTWARDEN_LOGS_CONTAINER",
    ),
    "a reference for the container of logs": (
        {settings.LOGS_CONTAINER: "@Microsoft.KeyVault(VaultName=v;SecretName=s)"},
        lambda w: w.logs.read("a.jsonl", 0, 1),
        "DRIFTWARDEN_LOGS_CONTAINER not set",
    ),
    "an account of logs without its blobs": (
        {f"{settings.LOGS}__queueServiceUri": "https://a.queue.core.windows.net"},
        lambda w: w.logs.read("a.jsonl", 0, 1),
        "DRIFTWARDEN_LOGS__blobServiceUri not set",
    ),
    "no connection string of logs": (
        {settings.LOGS: "nonsense"},
        lambda w: w.logs.read("a.jsonl", 0, 1),
        "DRIFTWARDEN_LOGS: not a storage connection string",
    ),
    "no Log Analytics": (
        {settings.ANALYTICS: None},
        lambda w: w.counting and w.counting.rows(SOURCE, *WHEN, ()),
        "DRIFTWARDEN_LOG_ANALYTICS_WORKSPACE_ID not set",
    ),
}


@pytest.mark.parametrize(("changed", "use", "reason"), PARTS.values(), ids=PARTS)
def test_a_missing_setting_keeps_its_part_waiting_and_no_other(
    opened: Callable[[], AzureHost],
    known: dict[str, str],
    changed: dict[str, str | None],
    use: Part,
    reason: str,
) -> None:
    for name, value in changed.items():
        known.pop(name, None)
        known |= {} if value is None else {name: value}
    host = opened()
    host.service.begin()
    assert host.service.health()["status"] == "ok"
    with pytest.raises(Unavailable, match=reason):
        use(host.ports)


# azure-ai-ml is written for marshmallow 3, and marshmallow 3 tells of 4.
@pytest.mark.filterwarnings("ignore::marshmallow.warnings.Marshmallow4Warning")
def test_files_are_read_where_the_workspace_says(
    tmp_path: Path, document: dict[str, Any], known: dict[str, str], certificates: Authority
) -> None:
    """Neither the document nor a setting names the container; one request asks for it."""
    path = "modelDataCollector/demand/v1/model_inputs/2024/03/04/10/a.jsonl"
    name, account = "azureml-blobstore-1", azurite.account()
    container = account.blobs().get_container_client(name)
    if not container.exists():
        container.create_container()
    container.upload_blob(path, b"{}\n", overwrite=True)
    account.close()
    file = tmp_path / "fleet" / "fleet.yaml"
    file.write_text(yaml.safe_dump(document))
    with AzureML(certificates, WorkspaceCredential(), subscription="s", resource_group="g",
                 workspace="w") as service:  # fmt: skip
        service.assets.own_datastore(azurite.ACCOUNT, name)
        cloud = Cloud(
            service.credential, service.cloud_name, service.metadata,
            trusted=str(certificates.bundle),
        )  # fmt: skip
        del known[settings.LOGS_CONTAINER]
        host = AzureHost(read_config(file), file.parent, known, cloud, SetClock(NOW))
        try:
            assert host.ports.logs.read(path, 0, 9) == b"{}\n"
            assert [one.path for one in host.ports.logs.files(path.rpartition("/")[0])] == [path]
            assert len(service.requests("datastores")) == 1
        finally:
            host.close()


def test_a_container_that_cannot_be_told_keeps_events_and_is_told(
    opened: Callable[[], AzureHost], known: dict[str, str]
) -> None:
    """Neither the setting nor the workspace says where the files are: no model is skipped."""
    del known[settings.LOGS_CONTAINER], known[settings.WORKSPACE]
    host = opened()
    host.service.begin()
    path = "modelDataCollector/demand/v1/model_inputs/2024/03/04/10/a.jsonl"
    subject = f"/blobServices/default/containers/logs/blobs/{path}"
    created = {"api": "FlushWithClose", "contentLength": 7}
    kind = {"eventType": "Microsoft.Storage.BlobCreated", "eventTime": "2024-03-04T10:00:00Z"}
    before = host.queues.events.waiting()
    assert host.service.ingest({**kind, "id": "e1", "subject": subject, "data": created}) is None
    assert host.queues.events.waiting() == before + 1
    for _ in range(20):
        host.service.poll()
        assert isinstance(host.clock, SetClock)
        host.clock.moment += timedelta(minutes=1)
    host.service.drain("fleet")
    records = journal.read(host.store, "fleet")
    said = [str(line) for one in records for line in one.lines]
    assert any("log files of demand cannot be listed" in line for line in said)
    assert any("or set DRIFTWARDEN_LOGS_CONTAINER" in line for line in said)


@pytest.mark.parametrize(
    "text", ["", "nonsense", "@Microsoft.KeyVault(VaultName=v)", "InstrumentationKey=abc", "a=b;c"]
)
def test_a_fleet_is_watched_without_telemetry(
    opened: Callable[[], AzureHost], known: dict[str, str], text: str
) -> None:
    known[settings.TELEMETRY] = text
    host = opened()
    host.service.begin()
    host.measure()
    assert isinstance(host.telemetry, Silent)


def test_an_unresolved_reference_is_no_key_of_journals(
    opened: Callable[[], AzureHost], known: dict[str, str]
) -> None:
    known[keys.SETTING] = "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/key/)"
    with pytest.raises(Refused, match=f"{keys.SETTING} is a Key Vault reference that could not"):
        opened()


def test_a_changed_document_is_taken_over_by_the_running_host(
    shelf: Shelf, known: dict[str, str], certificates: Authority
) -> None:
    cloud = Cloud(LoopbackCredential(), trusted=str(certificates.bundle))
    clock = SetClock(present())

    def minute(text: str) -> list[str]:
        """Upload a document; return what the fleet's journal says of the next minute."""
        shelf.put("fleet.yaml", text)
        clock.moment += timedelta(minutes=1)
        before = host.service.loop.head("fleet").seq
        for _ in range(2):
            host.follow()
        host.service.drain("fleet")
        host.service.drain("demand")
        records = journal.read(host.store, "fleet", before)
        return [line["what"] for one in records for line in one.lines]

    # Without the other settings: no other service is asked for anything.
    host = open_followed(shelf.place, {STORAGE: known[STORAGE]}, cloud, clock)
    try:
        host.service.begin()
        assert minute(DOCUMENT) == ["documented"]
        policy, ended = host.service.loop.head("demand").state.policy, host.service
        changed = DOCUMENT.replace("endpoint: demand", "endpoint: demand, grace: 4h")
        assert minute(changed) == ["documented"]
        assert host.service is not ended
        assert host.service.loop.head("demand").state.policy not in ("", policy)
        # What began on the old document ends on it.
        assert ended.fleet.models["demand"].hash == policy
        assert minute("models: {}\n") == ["documented", "alert"]
        assert host.service.fleet.models["demand"].hash != policy
        (alert,) = host.service.loop.head("fleet").state.alerts.values()
        assert (alert.phase, alert.reason.partition(": ")[0]) == ("firing", "fleet.yaml:1")
        added = changed + changed[changed.index("  demand:") :].replace("demand", "demand-2")
        assert minute(added) == ["documented", "alert"]
        host.service.drain("demand-2")
        assert host.service.loop.head("demand-2").state.champion == "v1"
        assert minute(DOCUMENT) == ["documented"]
        host.service.drain("demand-2")
        assert host.service.loop.head("demand-2").state.dormant
        assert host.service.loop.head("demand").state.policy == policy
    finally:
        host.close()


def test_rows_of_a_reference_lie_beside_the_document(
    shelf: Shelf, known: dict[str, str], certificates: Authority
) -> None:
    cloud = Cloud(LoopbackCredential(), trusted=str(certificates.bundle))
    shelf.put("rows.csv", "day,time,label,x\n2026-01-01,2026-01-01T00:00:00Z,1,2\n")
    host = open_followed(shelf.place, {STORAGE: known[STORAGE]}, cloud, SetClock(present()))
    try:
        assert host.ports.tables.read("rows.csv").num_rows == 1
        for outside in ("../rows.csv", "/rows.csv"):
            with pytest.raises(Refused, match=r"lies outside of the folder of fleet\.yaml"):
                host.ports.tables.read(outside)
    finally:
        host.close()


def test_the_app_needs_no_topic(opened: Callable[[], AzureHost], known: dict[str, str]) -> None:
    del known[settings.TOPIC]
    host = opened()
    host.service.begin()
    assert host.service.health()["partitions"] == 1


@pytest.mark.filterwarnings("ignore::marshmallow.warnings.Marshmallow4Warning")
def test_a_version_that_others_register_is_found_by_the_timer(
    tmp_path: Path, document: dict[str, Any], known: dict[str, str], certificates: Authority
) -> None:
    document["models"]["demand"]["serving"]["model"] = "Demand_Raw"
    file, clock = tmp_path / "fleet" / "fleet.yaml", SetClock(NOW)
    file.write_text(yaml.safe_dump(document))
    with AzureML(certificates, WorkspaceCredential()) as service:
        service.now = clock.now
        service.assets.add_model("Demand_Raw", "first")
        known |= {
            settings.SUBSCRIPTION: service.subscription,
            settings.RESOURCE_GROUP: service.resource_group,
            settings.WORKSPACE: service.workspace,
        }
        trusted = str(certificates.bundle)
        cloud = Cloud(service.credential, service.cloud_name, service.metadata, trusted=trusted)
        host = AzureHost(read_config(file), file.parent, known, cloud, clock)
        host.service.begin()
        for minute in range(12):
            clock.moment = NOW + timedelta(minutes=minute)
            host.service.poll()
            host.service.drain("demand")
            if minute == 2:
                service.assets.add_model("Demand_Raw", "2")
        asked = service.requests("GET .*/models/Demand_Raw/versions$")
        records = journal.read(host.store, "demand")
        said = [line for record in records for line in record.lines]
        host.close()
    assert [line["version"] for line in said if line["what"] == "registered"] == ["2"]
    assert [one.query["listViewType"] for one in asked] == ["All", "ActiveOnly", "ActiveOnly"]
