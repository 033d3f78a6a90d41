"""The double refuses what the service refuses, asked by the real SDK or in its recorded words."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

from tests.doubles.azureml import AzureML
from tests.doubles.azureml_client import WorkspaceCredential, again, workspace
from tests.doubles.loopback import Request
from tests.doubles.tls import Authority

# azure-ai-ml is written for marshmallow 3, and marshmallow 3 tells of 4.
pytestmark = pytest.mark.filterwarnings("ignore::marshmallow.warnings.Marshmallow4Warning")

JOB = """\
type: command
command: python train.py --data ${{inputs.data}}
environment: azureml:training:1
compute: azureml:cpu
inputs:
  data: {type: uri_file, path: azureml://datastores/d/paths/p}
  version: v1
"""
PIPELINE = """\
type: pipeline
settings: {default_compute: azureml:cpu}
inputs:
  data: {type: uri_file, path: azureml://datastores/d/paths/p}
jobs:
  train:
    type: command
    command: python train.py --data ${{inputs.data}}
    environment: azureml:training:1
    inputs: {data: "${{parent.inputs.data}}"}
"""
DEPLOYMENT = """\
name: third
endpoint_name: flights
model: azureml:flights:v1
instance_type: Standard_DS3_v2
instance_count: 1
"""

#: Each recorded request by what makes it, with the fields that the service can't do without:
#: "Required." in azure-ai-ml's arm_ml_service models, and what its pages say of managed endpoints.
REQUIRED = {
    "traffic": ("location", "properties", "properties.authMode"),
    "batch": ("location", "properties", "properties.authMode"),
    "deployment": (
        "location", "properties", "properties.endpointComputeType", "properties.model", "sku",
        "sku.name",
    ),
    "model": ("properties", "properties.modelUri"),
    "command": (
        "properties", "properties.jobType", "properties.command", "properties.environmentId",
        "properties.inputs.data.jobInputType", "properties.inputs.data.uri",
        "properties.inputs.version.value",
    ),
    "pipeline": (
        "properties", "properties.jobType", "properties.jobs", "properties.inputs.data.uri",
    ),
    "component": (
        "properties", "properties.componentSpec", "properties.componentSpec.type",
    ),
}  # fmt: skip
WHERE = {
    "traffic": "PUT .*/onlineEndpoints/flights$",
    "batch": "PUT .*/batchEndpoints/flights$",
    "deployment": "PUT .*/deployments/third$",
    "model": "PUT .*/models/",
    "command": "PUT .*/jobs/command$",
    "pipeline": "PUT .*/jobs/pipeline$",
    "component": "PUT .*/components/",
}


@pytest.fixture(scope="module")
def recorded(
    certificates: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[AzureML, dict[str, Request]]]:
    """Everything that the product's SDK sends to change something, sent once."""
    with AzureML(certificates, WorkspaceCredential()) as service:
        service.assets.add_model("flights", "v1")
        service.assets.add_compute("cpu")
        service.online.add("flights", "v1", "v2", model="flights")
        service.batch.add("flights", "v1", default="v1")
        client = workspace(service, certificates).client
        _send_all(client, tmp_path_factory.mktemp("files"))
        yield service, {name: service.requests(where)[0] for name, where in WHERE.items()}


def _send_all(client: Any, folder: Path) -> None:
    from azure.ai.ml import load_job, load_online_deployment

    endpoint = client.online_endpoints.get("flights")
    endpoint.traffic = {"v1": 90, "v2": 10}
    client.online_endpoints.begin_create_or_update(endpoint).result()
    batch = client.batch_endpoints.get("flights")
    client.batch_endpoints.begin_create_or_update(batch).result()
    (folder / "deployment.yml").write_text(DEPLOYMENT)
    deployment = load_online_deployment(folder / "deployment.yml")
    client.online_deployments.begin_create_or_update(deployment).result()
    model = client.models.get("flights", "v1")
    model.tags = {"a": "b"}
    client.models.create_or_update(model)
    for name, content in (("command", JOB), ("pipeline", PIPELINE)):
        (folder / "job.yml").write_text(content)
        job = load_job(folder / "job.yml")
        job.name = name
        client.jobs.create_or_update(job)


@pytest.mark.parametrize(
    ("name", "field"), [(name, field) for name, fields in REQUIRED.items() for field in fields]
)
def test_every_required_field_is_required(
    recorded: tuple[AzureML, dict[str, Request]], certificates: Authority, name: str, field: str
) -> None:
    service, requests = recorded
    whole = requests[name].json()
    status, _ = again(service, certificates, requests[name], whole)
    assert status in (200, 201)
    service.finish()
    body = copy.deepcopy(whole)
    *path, last = field.split(".")
    holder = body
    for key in path:
        holder = holder[key]
    del holder[last]
    status, answer = again(service, certificates, requests[name], body)
    assert status == 400
    assert set(answer["error"]) == {"code", "message"}


def test_every_request_needs_a_version_and_a_token(
    recorded: tuple[AzureML, dict[str, Request]], certificates: Authority
) -> None:
    service, requests = recorded
    for request in requests.values():
        status, answer = again(service, certificates, request, request.json(), version=False)
        assert (status, answer["error"]["code"]) == (400, "MissingApiVersionParameter")
        status, answer = again(service, certificates, request, request.json(), token="Bearer x")
        assert (status, answer["error"]["code"]) == (401, "InvalidAuthenticationToken")


@pytest.fixture
def service(certificates: Authority) -> Iterator[AzureML]:
    with AzureML(certificates, WorkspaceCredential()) as opened:
        opened.assets.add_model("flights", "v1")
        opened.online.add("flights", "v1", "v2", model="flights")
        opened.batch.add("flights", "v1", "v2", default="v1")
        yield opened


@pytest.fixture
def client(service: AzureML, certificates: Authority) -> Any:
    return workspace(service, certificates).client


@pytest.fixture
def put(client: Any) -> Callable[..., Any]:
    """Set the split of the endpoint through the SDK."""

    def send(traffic: dict[str, Any], mirror: dict[str, int] | None = None) -> Any:
        endpoint = client.online_endpoints.get("flights")
        endpoint.traffic, endpoint.mirror_traffic = traffic, mirror or {}
        return client.online_endpoints.begin_create_or_update(endpoint)

    return send


@pytest.mark.parametrize(
    ("traffic", "mirror", "reason"),
    [
        ({"v1": 60, "v2": 30}, {}, "sum to 0 or 100"),
        ({"v1": 99.5, "v2": 0.5}, {}, "integers"),
        ({"v1": 110, "v2": -10}, {}, "between 0 and 100"),
        ({"v1": 100, "v9": 10}, {}, "v9 in traffic does not exist"),
        ({"v1": 100}, {"v2": 51}, "at most 50"),
        ({"v1": 100}, {"v9": 10}, "v9 in traffic does not exist"),
        ({"v1": 100}, {"v1": 10}, "live and mirrored"),
    ],
)
def test_a_split_that_cannot_be_is_refused(
    put: Callable[..., Any],
    service: AzureML,
    traffic: dict[str, Any],
    mirror: dict[str, int],
    reason: str,
) -> None:
    with pytest.raises(HttpResponseError, match=reason) as caught:
        put(traffic, mirror)
    assert caught.value.status_code == 400
    assert service.online.endpoints["flights"]["properties"]["traffic"] == {}


def test_two_cannot_be_mirrored_to(put: Callable[..., Any], service: AzureML) -> None:
    service.online.add_deployment("flights", "v3", "flights:v3")
    with pytest.raises(HttpResponseError, match="to one deployment"):
        put({"v1": 100}, {"v2": 10, "v3": 10})


def test_a_split_holds_when_its_operation_is_done(
    put: Callable[..., Any], service: AzureML, client: Any
) -> None:
    told: list[Any] = []
    service.on_traffic = lambda *split: told.append(split)
    service.polls = None
    poller = put({"v1": 90, "v2": 10})
    poller.wait(0.2)
    assert not poller.done()
    assert told == []
    assert client.online_endpoints.get("flights").provisioning_state == "Updating"
    with pytest.raises(HttpResponseError, match="in progress") as caught:
        put({"v1": 100})
    assert caught.value.status_code == 409
    service.finish()
    poller.wait(5)
    assert poller.result().traffic == {"v1": 90, "v2": 10}
    assert told == [("flights", {"v1": 90, "v2": 10}, {})]
    service.polls = 0
    put({"v1": 90, "v2": 10}).result()
    assert len(told) == 1, "nothing changed"


def test_time_passes_for_whoever_looks_at_the_endpoint(
    put: Callable[..., Any], service: AzureML, certificates: Authority
) -> None:
    service.polls = None
    put({"v1": 100})
    operation = next(iter(service.operations.values()))
    operation.remaining = 1
    other = workspace(service, certificates).client
    states = [other.online_endpoints.get("flights").provisioning_state for _ in range(3)]
    assert states[-1] == "Succeeded"


def test_what_has_traffic_is_not_deleted(
    put: Callable[..., Any], service: AzureML, client: Any
) -> None:
    put({"v1": 100}, {"v2": 10}).result()
    for name in ("v1", "v2"):
        with pytest.raises(HttpResponseError, match="has traffic"):
            client.online_deployments.begin_delete(name, "flights")
    put({"v1": 100}).result()
    client.online_deployments.begin_delete("v2", "flights").result()
    assert [d.name for d in client.online_deployments.list("flights")] == ["v1"]
    assert ("flights", "v2") not in service.online.deployments


def test_patch_knows_tags_and_identity_only(
    recorded: tuple[AzureML, dict[str, Request]], certificates: Authority
) -> None:
    service, requests = recorded
    request = requests["traffic"]
    patch = Request("PATCH", request.path, request.query, request.headers, b"")
    service.finish()
    assert again(service, certificates, patch, {"tags": {"a": "b"}})[0] == 200
    status, _ = again(service, certificates, patch, {"properties": {"traffic": {"v1": 100}}})
    assert status == 400


def test_a_batch_endpoint_switches_its_default(service: AzureML, client: Any) -> None:
    endpoint = client.batch_endpoints.get("flights")
    endpoint.defaults.deployment_name = "v2"
    client.batch_endpoints.begin_create_or_update(endpoint).result()
    assert client.batch_endpoints.get("flights").defaults.deployment_name == "v2"
    endpoint.defaults.deployment_name = "v9"
    with pytest.raises(HttpResponseError, match="v9 does not exist"):
        client.batch_endpoints.begin_create_or_update(endpoint)


def test_what_a_version_is_made_of_stays(client: Any) -> None:
    model = client.models.get("flights", "v1")
    model.path = "azureml://jobs/other/outputs/artifacts/model"
    with pytest.raises(HttpResponseError, match="already bound"):
        client.models.create_or_update(model)
    model = client.models.get("flights", "v1")
    model.properties = {"p": "1"}
    client.models.create_or_update(model)
    model.properties = {"p": "2"}
    with pytest.raises(HttpResponseError, match="immutable"):
        client.models.create_or_update(model)


def test_a_world_can_be_hooked(
    recorded: tuple[AzureML, dict[str, Request]], certificates: Authority, service: AzureML
) -> None:
    begun: list[str] = []
    service.on_job = lambda document: begun.append(document["name"])
    service.job_status = lambda name: {"status": "Running"}
    _, requests = recorded
    for _ in range(2):
        path = f"{service.scope}/jobs/one"
        request = Request("PUT", path, requests["command"].query, requests["command"].headers, b"")
        assert again(service, certificates, request, requests["command"].json())[0] in (200, 201)
    assert begun == ["one"]
    client = workspace(service, certificates).client
    assert client.jobs.get("one").status == "Running"
    service.job_status = lambda name: {
        "status": "Failed",
        "error": {"code": "UserError", "message": f"{name} is bad"},
    }
    assert client.jobs.get("one").status == "Failed"
    details = client.jobs._runs_operations.get_run_details("one")
    assert details.error.error.message == "one is bad"


def test_an_old_token_is_challenged_once(service: AzureML, client: Any) -> None:
    client.models.get("flights", "v1")
    service.credential.revoke()
    with pytest.raises(ClientAuthenticationError):
        client.models.get("flights", "v1")
    assert client.models.get("flights", "v1").version == "v1"
