from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError

from engine.errors import Broken, Refused, Unavailable
from hosts.azure.ml import workspace as opening
from hosts.azure.ml.arm_errors import Absent, translated
from hosts.azure.ml.registry import AzureRegistry
from hosts.azure.ml.workspace import Workspace
from tests.doubles.azureml import AzureML
from tests.doubles.azureml_client import WorkspaceCredential, workspace
from tests.doubles.loopback import Response
from tests.doubles.tls import Authority

# azure-ai-ml is written for marshmallow 3, and marshmallow 3 tells of 4.
pytestmark = pytest.mark.filterwarnings("ignore::marshmallow.warnings.Marshmallow4Warning")

MODEL = "GET .*/models/flights/versions/v1"
ROLE = (
    "The client 'c' with object id 'o' does not have authorization to perform action "
    "'Microsoft.MachineLearningServices/workspaces/models/versions/read' over scope '/s'."
)


@pytest.fixture
def service(certificates: Authority) -> Iterator[AzureML]:
    with AzureML(certificates, WorkspaceCredential()) as opened:
        opened.assets.add_model("flights", "v1")
        yield opened


@pytest.fixture
def opened(service: AzureML, certificates: Authority) -> Workspace:
    return workspace(service, certificates)


@pytest.fixture
def registry(opened: Workspace) -> AzureRegistry:
    return AzureRegistry(opened)


def error(code: str, message: str = "so it is") -> dict[str, dict[str, str]]:
    return {"error": {"code": code, "message": message}}


@pytest.mark.parametrize(
    ("answer", "delay"),
    [
        (Response(429, error("TooManyRequests"), {"Retry-After": "17"}), 17),
        (Response(503, error("ServerBusy"), {"Retry-After": "4"}), 4),
        (Response(500, error("InternalServerError")), 30),
        (Response(502, b"<html>bad gateway</html>"), 30),
        (Response(408, error("RequestTimeout")), 30),
        (Response(409, error("Conflict", "Another operation is in progress.")), 30),
    ],
)
def test_what_passes_is_kept_owed(
    service: AzureML, registry: AzureRegistry, answer: Response, delay: int
) -> None:
    service.fail(MODEL, answer=answer)
    with pytest.raises(Unavailable) as caught:
        registry.card("flights", "v1")
    assert caught.value.delay == timedelta(seconds=delay)
    assert str(caught.value).startswith("model flights v1: read: ")
    assert len(service.requests(MODEL)) == 1, "nothing is slept through inside the SDK"
    assert registry.card("flights", "v1").version == "v1"


@pytest.mark.parametrize("status", [400, 409])
@pytest.mark.parametrize(
    "said",
    [
        "Cannot update deployment blue because it is in Updating provisioning state",
        "The request cannot be processed because it is in Creating provisioning state.",
        "Endpoint flights is in Deleting provisioningState; try again.",
        "The deployment is IN SCALING PROVISIONING STATE",
        "Another operation on flights is in progress.",
        "AnotherOperationInProgress: wait for it",
    ],
)
def test_an_operation_that_is_not_quite_over_is_waited_for(
    service: AzureML, registry: AzureRegistry, status: int, said: str
) -> None:
    for headers, delay in ({}, 60 if status == 400 else 30), ({"Retry-After": "7"}, 7):
        service.fail(MODEL, answer=Response(status, error("BadRequest", said), headers))
        with pytest.raises(Unavailable) as caught:
            registry.card("flights", "v1")
        assert caught.value.delay == timedelta(seconds=delay)


@pytest.mark.parametrize(
    "said",
    [
        "Not enough quota available: the operation was not started.",
        "Property provisioningState is read-only.",
        "Deployment blue is in Failed provisioning state",
        "Updating the model path is not supported.",
        "The specified version is in progress of being deprecated.",
    ],
)
def test_a_mistake_that_waiting_does_not_mend_is_refused(
    service: AzureML, registry: AzureRegistry, said: str
) -> None:
    service.fail(MODEL, answer=Response(400, error("BadRequest", said)))
    with pytest.raises(Refused):
        registry.card("flights", "v1")


def test_a_date_is_a_delay_too(service: AzureML, registry: AzureRegistry) -> None:
    when = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    service.fail(MODEL, answer=Response(429, error("Busy"), {"Retry-After": when}))
    with pytest.raises(Unavailable) as caught:
        registry.card("flights", "v1")
    assert timedelta(seconds=60) < caught.value.delay <= timedelta(seconds=90)


def test_no_answer_is_kept_owed(
    service: AzureML, registry: AzureRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "READ", 0.5)
    service.fail(MODEL)
    with pytest.raises(Unavailable, match="model flights v1: read"):
        registry.card("flights", "v1")
    service.fail(MODEL, delay=1.0)
    with pytest.raises(Unavailable, match="timed out"):
        registry.card("flights", "v1")
    assert registry.card("flights", "v1").version == "v1"


def test_a_stranger_on_the_line_gets_no_token(service: AzureML, tmp_path: Path) -> None:
    from tests.doubles.tls import authority

    other = AzureRegistry(workspace(service, authority(tmp_path)))
    with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
        other.card("flights", "v1")
    assert service.requests() == []


def test_an_expired_token_heals_with_the_next_request(
    service: AzureML, registry: AzureRegistry
) -> None:
    registry.card("flights", "v1")
    service.credential.revoke()
    with pytest.raises(Unavailable, match="token was rejected") as caught:
        registry.card("flights", "v1")
    assert "loopback-" not in str(caught.value)
    assert registry.card("flights", "v1").version == "v1"


def test_a_missing_permission_is_named(service: AzureML, registry: AzureRegistry) -> None:
    needed = "identity needs Microsoft.MachineLearningServices/workspaces/models/versions/read$"
    for said in (ROLE, "Forbidden by somebody who gives no reason."):
        service.fail(MODEL, answer=Response(403, error("AuthorizationFailed", said)))
        with pytest.raises(Refused, match=needed):
            registry.card("flights", "v1")


def test_what_asking_again_would_not_change_is_refused(service: AzureML, opened: Workspace) -> None:
    service.fail(MODEL, answer=Response(400, error("UserError", "no\nsuch")))
    with pytest.raises(Refused, match=r"^reading: UserError: no such$"), translated("reading"):
        opened.client.models.get("flights", "v1")
    with pytest.raises(Absent), translated("reading"):
        opened.client.models.get("flights", "v2")


@pytest.mark.parametrize(
    ("code", "kind"), [("UserError", Refused), ("InternalServerError", Unavailable)]
)
def test_an_operation_that_ends_badly(
    service: AzureML, opened: Workspace, code: str, kind: type[Exception]
) -> None:
    service.online.add("flights", "v1")
    service.failing = {"code": code, "message": "the container did not start"}
    endpoint = opened.client.online_endpoints.get("flights")
    endpoint.traffic = {"v1": 100}
    poller = opened.client.online_endpoints.begin_create_or_update(endpoint)
    with pytest.raises(kind, match="did not start"), translated("endpoint"):
        poller.result()


def test_secrets_and_long_speeches_stay_out() -> None:
    words = "GET https://a.blob/x?sv=1&sig=abc%2F+d failed " + "on and on " * 100
    with pytest.raises(Unavailable) as caught, translated("reading"):
        raise ServiceRequestError(words)
    assert "abc" not in str(caught.value)
    assert "sig=…" in str(caught.value)
    assert len(str(caught.value)) < 350


@pytest.mark.usefixtures("heavy")
def test_the_sdk_failing_in_itself_is_broken() -> None:
    from azure.ai.ml.exceptions import ErrorCategory, MlException

    cases: tuple[tuple[Any, type[Exception]], ...] = (
        (ErrorCategory.USER_ERROR, Refused),
        (ErrorCategory.SYSTEM_ERROR, Broken),
        (ErrorCategory.UNKNOWN, Refused),
    )
    for category, kind in cases:
        with pytest.raises(kind, match=r"^reading: it is so$"), translated("reading"):
            raise MlException("\x1b[31mit\nis\x1b[39m so", "it is so", error_category=category)
