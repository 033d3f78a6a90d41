"""Own requests are known by both of their ids, and nobody else's are."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import pytest

from monitoring.intake.own import is_own, own_ids


def test_ids_are_what_the_service_keeps() -> None:
    """40 characters of letters, digits, hyphens and underscores; a GUID of version 4."""
    for _ in range(20):
        client, request = own_ids(uuid4())
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,40}", client)
        assert (UUID(request).version, str(UUID(request))) == (4, request)
        assert is_own(client)
        assert is_own(request)


def test_each_request_has_ids_of_its_own() -> None:
    found = {one for _ in range(100) for one in own_ids(uuid4())}
    assert len(found) == 200


@pytest.mark.parametrize(
    "said",
    [
        "",
        "driftwarden",
        "a-driftwarden-1",
        "64726966-7477-1aaa",
        "64726966",
        None,
        7,
        ["driftwarden-"],
    ],
)
def test_ids_of_others_are_not_ours(said: object) -> None:
    assert not is_own(said)


def test_no_random_guid_is_ours() -> None:
    assert not any(is_own(str(uuid4())) for _ in range(1000))
