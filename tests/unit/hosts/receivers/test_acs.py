"""E-mail over Azure Communication Services."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.errors import Refused, Unavailable
from fleet.document.receivers import AcsReceiver
from hosts.receivers.acs import SCOPE, Acs, by_token, open_acs
from tests.unit.hosts.receivers.pages import around, tell
from tests.unit.hosts.receivers.vendors.acs import KEY
from tests.unit.hosts.receivers.vendors.acs import Acs as Vendor
from tests.unit.hosts.receivers.vendors.server import Answer, serving

SENDER, TO = "driftwarden@ops.example", ("ann@ops.example",)


@pytest.fixture
def vendor(outside: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    monkeypatch.setenv("no_proxy", "*")
    with serving(Vendor(lambda: datetime.now(UTC))) as found:
        yield found


def policy(url: str, key: str | None = "env:KEY", sender: str = SENDER) -> AcsReceiver:
    return AcsReceiver(kind="acs", url=url, sender=sender, to=TO, key=key)


def test_a_request_is_signed_and_a_repeat_is_one_operation(vendor: Vendor, tmp_path: Path) -> None:
    channel = open_acs("ops", policy(f"{vendor.url}/"), around(tmp_path, {"KEY": KEY}))
    assert tell(channel).answer.startswith("HTTP 202 ")
    tell(channel)
    tell(channel, "k2")
    assert len(vendor.operations) == 2


def test_a_wrong_key_is_an_error_of_the_login(vendor: Vendor, tmp_path: Path) -> None:
    channel = open_acs("ops", policy(vendor.url), around(tmp_path, {"KEY": KEY[::-1][4:]}))
    with pytest.raises(Refused) as caught:
        tell(channel)
    assert str(caught.value) == "receiver ops: HTTP 401 (authError)"


def test_the_identity_of_the_host_asks_for_a_token(vendor: Vendor, tmp_path: Path) -> None:
    asked: list[str] = []

    def token(scope: str) -> str:
        asked.append(scope)
        return "t0ken"

    there = replace(around(tmp_path), token=token)
    vendor.faults = [Answer(202, "{}")]
    tell(open_acs("ops", policy(vendor.url, None), there))
    assert asked == [SCOPE]
    assert vendor.requests[-1].headers["authorization"] == "Bearer t0ken"


def test_no_token_is_no_message(vendor: Vendor) -> None:
    def none(scope: str) -> str:
        raise Unavailable("the app's identity gets no token (ClientAuthenticationError)")

    with pytest.raises(Unavailable, match="gets no token"):
        tell(Acs(vendor.url, by_token(none), SENDER, TO, ""))
    assert vendor.requests == []


@pytest.mark.parametrize(
    ("key", "settings", "reason"),
    [
        (None, {}, r"\.key: this host has no identity in Azure; name an access key"),
        ("env:KEY", {"KEY": "no base64!"}, r"\.key: the access key is no base64"),
        ("env:KEY", {}, ": the setting KEY is not there; set it and restart"),
    ],
)
def test_a_key_that_cannot_be_used_is_told(
    tmp_path: Path, key: str | None, settings: dict[str, str], reason: str
) -> None:
    with pytest.raises(Refused, match=rf"^receivers\.ops{reason}$"):
        open_acs("ops", policy("https://n.example", key), around(tmp_path, settings))


@pytest.mark.parametrize(
    ("sender", "counts"),
    [
        ("d@0d1e.azurecomm.net", (5, 10)),
        ("d@0d1e.AzureComm.NET", (5, 10)),
        ("d@ops.example", (30, 100)),
        ("d@azurecomm.net.ops.example", (30, 100)),
    ],
)
def test_a_domain_of_azures_own_has_lower_limits(sender: str, counts: tuple[int, ...]) -> None:
    limits = policy("https://n.example", sender=sender).limits()
    assert tuple(limit.count for limit in limits) == counts
