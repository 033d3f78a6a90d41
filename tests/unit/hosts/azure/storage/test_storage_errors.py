"""What storage answers, by what the caller does next."""

from __future__ import annotations

from datetime import timedelta

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
    ServiceRequestError,
)

from engine.errors import Broken, Conflict, Unavailable
from engine.store import Insert
from hosts.azure.storage.connection import Connection
from hosts.azure.storage.storage_errors import Expected, translate
from hosts.azure.storage.tables import TablesStore
from tests.doubles.loopback import Response
from tests.doubles.relay import Relay

BATCH = "POST .*batch"


def answer(status: int, code: str = "", **headers: str) -> Response:
    body = {"odata.error": {"code": code, "message": {"value": f"{code}\nRequestId:1"}}}
    return Response(status, body, {name.replace("_", "-"): text for name, text in headers.items()})


@pytest.fixture
def store(relayed: Connection, relays: dict[str, Relay], fresh_name: str) -> TablesStore:
    return TablesStore(relayed.tables(), fresh_name)


@pytest.mark.parametrize(
    ("status", "code", "error", "minutes"),
    [
        (400, "InvalidInput", Broken, None),
        (413, "RequestBodyTooLarge", Broken, None),
        (409, "EntityAlreadyExists", Conflict, None),
        (412, "UpdateConditionNotSatisfied", Conflict, None),
        (404, "ResourceNotFound", Conflict, None),
        (404, "TableNotFound", Unavailable, 5),
        (409, "TableBeingDeleted", Unavailable, 5),
        (401, "AuthenticationFailed", Unavailable, 5),
        (403, "AuthorizationPermissionMismatch", Unavailable, 5),
        (500, "InternalError", Unavailable, 0.5),
        (503, "ServerBusy", Unavailable, 0.5),
        (408, "OperationTimedOut", Unavailable, 0.5),
    ],
)
def test_an_answer_says_what_to_do(
    store: TablesStore, relays: dict[str, Relay],
    status: int, code: str, error: type[Exception], minutes: float | None,
) -> None:  # fmt: skip
    relays["Table"].fail(BATCH, answer=answer(status, code), times=9)
    with pytest.raises(error, match=code) as raised:
        store.commit("p", [Insert("a", {})])
    assert "\n" not in str(raised.value)
    assert "RequestId" not in str(raised.value)
    if isinstance(raised.value, Unavailable):
        assert raised.value.delay == timedelta(minutes=minutes or 0)


@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_that_storage_asks_for_is_handed_on_at_once(
    store: TablesStore, relays: dict[str, Relay], status: int
) -> None:
    relays["Table"].fail(BATCH, answer=answer(status, "ServerBusy", Retry_After="77"), times=9)
    with pytest.raises(Unavailable) as raised:
        store.commit("p", [Insert("a", {})])
    assert raised.value.delay == timedelta(seconds=77)
    assert len(relays["Table"].requests(BATCH)) == 1


def test_a_hiccup_is_gone_before_anybody_hears_of_it(
    store: TablesStore, relays: dict[str, Relay]
) -> None:
    relays["Table"].fail(BATCH, answer=answer(503, "ServerBusy"), times=2)
    store.commit("p", [Insert("a", {})])
    assert store.get("p", "a") is not None


def test_no_answer_is_unavailable(store: TablesStore, relays: dict[str, Relay]) -> None:
    relays["Table"].fail("GET", times=9)
    with pytest.raises(Unavailable):
        store.get("p", "a")


def coded(error: HttpResponseError, code: str) -> HttpResponseError:
    # The service's clients add it.
    vars(error)["error_code"] = code
    return error


@pytest.mark.parametrize("code", ["BlobAlreadyExists", "ContainerAlreadyExists", ""])
def test_an_expected_error_ends_a_block(code: str) -> None:
    with Expected(ResourceExistsError):
        raise coded(ResourceExistsError("x"), code)


@pytest.mark.parametrize(
    "error",
    [
        coded(ResourceExistsError("x"), "ContainerBeingDeleted"),
        coded(ResourceExistsError("x"), "QueueBeingDeleted"),
        coded(ResourceNotFoundError("x"), "BlobNotFound"),
        coded(HttpResponseError("x"), "BlobAlreadyExists"),
        ValueError("x"),
    ],
)
def test_another_error_or_a_container_that_goes_is_not_expected(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, Expected(ResourceExistsError):
        raise error
    assert raised.value is error


def test_an_address_with_a_signature_stays_out_of_messages() -> None:
    said = "Max retries exceeded with url: /table?sv=2021&sig=c2VjcmV0 (refused)"
    error = translate(ServiceRequestError(said), "table t")
    assert "c2VjcmV0" not in str(error)
    assert isinstance(error, Unavailable)


def test_an_identity_that_is_not_there_yet_is_waited_for() -> None:
    error = translate(ClientAuthenticationError("no managed identity"), "table t")
    assert isinstance(error, Unavailable)
    assert error.delay == timedelta(minutes=5)
