"""Cards for a workflow of Microsoft Teams."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.errors import Refused, Unavailable
from hosts.receivers.teams import Teams
from tests.unit.hosts.receivers.pages import tell
from tests.unit.hosts.receivers.vendors import teams
from tests.unit.hosts.receivers.vendors.server import Answer, serving


@pytest.fixture
def vendor(outside: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[teams.Teams]:
    monkeypatch.setenv("no_proxy", "*")
    with serving(teams.Teams()) as found:
        yield found


@pytest.mark.parametrize("mark", ["x", "é", "🚨", "<", '"', "\\", "'", "`"])
def test_a_card_is_cut_as_teams_encodes_it_again(vendor: teams.Teams, mark: str) -> None:
    channel = Teams(vendor.url, "https://ops.example")
    tell(channel, title=mark * 30_000, lines=(mark * 30_000, *[mark] * 500))
    assert (len(vendor.cards), vendor.dropped) == (1, 0)
    assert "left out" in vendor.text()


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (413, Refused, "clientError"),
        (429, Unavailable, "rateLimited"),
        (502, Unavailable, "server"),
    ],
)
def test_a_connector_that_answers_200_to_what_it_refuses_is_believed_to_refuse(
    vendor: teams.Teams, status: int, error: type[Exception], kind: str
) -> None:
    said = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP "
    vendor.faults = [Answer(200, f"{said}error {status} with ContextId x")]
    with pytest.raises(error, match=rf"^receiver ops: HTTP error {status} in HTTP 200 \({kind}"):
        tell(Teams(vendor.url, ""))
