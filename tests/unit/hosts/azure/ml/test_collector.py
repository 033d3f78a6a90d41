"""The container of the data collector, asked of the workspace over the real SDK."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from engine.clock import SetClock
from engine.errors import Unavailable
from hosts.azure.cloud import Cloud
from hosts.azure.ml.collector import FIRST_WAIT, LONGEST_WAIT, CollectorContainer
from hosts.azure.ml.workspace import Workspace
from hosts.azure.settings import Settings
from tests.doubles.azureml import AzureML
from tests.doubles.azureml_client import WorkspaceCredential, workspace
from tests.doubles.loopback import BadRequest, Response
from tests.doubles.tls import Authority
from tests.doubles.tokens import LoopbackCredential

# azure-ai-ml is written for marshmallow 3, and marshmallow 3 tells of 4.
pytestmark = pytest.mark.filterwarnings("ignore::marshmallow.warnings.Marshmallow4Warning")

NOW = datetime(2024, 3, 5, tzinfo=UTC)
OURS = "azureml-blobstore-11111111-1111-1111-1111-111111111111"
ASKED = "GET .*/datastores/workspaceblobstore$"


class Desk:
    """A workspace with its own datastore, and what asks for its container."""

    def __init__(self, service: AzureML, authority: Authority) -> None:
        self.service, self.clock = service, SetClock(NOW)
        service.assets.own_datastore("mllogs", OURS)
        self.opened = workspace(service, authority)
        self.container = CollectorContainer(self.opened, "mllogs", self.clock)

    @property
    def asked(self) -> int:
        return len(self.service.requests(ASKED))

    def refused(self) -> str:
        """Ask where the answer cannot be had; return the reason, which is one line."""
        with pytest.raises(Unavailable) as error:
            self.container.name()
        assert "\n" not in str(error.value)
        return str(error.value)


@pytest.fixture
def desk(certificates: Authority) -> Iterator[Desk]:
    with AzureML(certificates, WorkspaceCredential()) as service:
        yield Desk(service, certificates)


def test_it_is_asked_once(desk: Desk) -> None:
    for _ in range(3):
        assert desk.container.name() == OURS
        desk.clock.moment += timedelta(days=1)
    assert [one.method for one in desk.service.requests()] == ["GET"]


@pytest.mark.parametrize("account", ["mllogs", ""])
def test_an_account_that_is_the_same_or_has_no_name_is_read(desk: Desk, account: str) -> None:
    assert CollectorContainer(desk.opened, account, desk.clock).name() == OURS


def denied() -> Response:
    return BadRequest("AuthorizationFailed", "The client may not.", 403).answer


#: What goes wrong, and what is said of it.
FAULTS: dict[str, tuple[Callable[[AzureML], object], str]] = {
    "the role is missing": (
        lambda service: service.fail(ASKED, answer=denied()), "needs .*/datastores/read"
    ),
    "throttled": (
        lambda service: service.fail(ASKED, answer=Response(429, {})), "datastore workspaceblob"
    ),
    "no answer": (lambda service: service.fail(ASKED), "datastore workspaceblobstore"),
    "the service fails": (
        lambda service: service.fail(ASKED, answer=Response(503, {})), "datastore workspaceblob"
    ),
    "there is none": (lambda service: service.assets.datastores.clear(), "was not found"),
    "a lake": (lambda service: changed(service, "AzureDataLakeGen2"), "not a container of blobs"),
    "a share": (lambda service: changed(service, "AzureFile"), "not a container of blobs"),
}  # fmt: skip


def changed(service: AzureML, kind: str) -> None:
    """Make the datastore one of another kind."""
    properties = service.assets.datastores["workspaceblobstore"]["properties"]
    properties |= {"datastoreType": kind, "filesystem": "x", "fileShareName": "x"}
    del properties["containerName"]


@pytest.mark.parametrize(("happen", "words"), FAULTS.values(), ids=FAULTS)
def test_what_cannot_be_answered_is_one_line_and_asked_again_later(
    desk: Desk, happen: Callable[[AzureML], object], words: str
) -> None:
    happen(desk.service)
    said = desk.refused()
    assert re.search(words, said)
    assert said.endswith("or set DRIFTWARDEN_LOGS_CONTAINER")
    desk.clock.moment += FIRST_WAIT - timedelta(seconds=1)
    assert desk.refused() == said
    assert desk.asked == 1
    desk.service.assets.own_datastore("mllogs", OURS)
    desk.clock.moment += timedelta(seconds=1)
    assert desk.container.name() == OURS
    assert desk.asked == 2


def test_a_lasting_fault_is_asked_about_ever_less_often(desk: Desk) -> None:
    desk.service.assets.datastores.clear()
    for _ in range(24 * 60):
        desk.refused()
        desk.clock.moment += timedelta(minutes=1)
    day = timedelta(days=1) / LONGEST_WAIT
    assert day <= desk.asked <= day + 6


def test_a_clock_that_went_back_keeps_nothing_from_being_asked(desk: Desk) -> None:
    desk.service.assets.datastores.clear()
    desk.refused()
    desk.service.assets.own_datastore("mllogs", OURS)
    desk.clock.moment -= timedelta(days=1)
    assert desk.container.name() == OURS


def test_another_account_is_told_and_not_read(desk: Desk) -> None:
    elsewhere = CollectorContainer(desk.opened, "otherlogs", desk.clock)
    with pytest.raises(Unavailable) as error:
        elsewhere.name()
    for word in ("mllogs", OURS, "otherlogs", "DRIFTWARDEN_LOGS__blobServiceUri"):
        assert word in str(error.value)
    with pytest.raises(Unavailable):
        elsewhere.name()
    assert desk.asked == 1


def test_without_a_workspace_it_says_which_settings_are_missing() -> None:
    nowhere = Workspace(Settings("s", "g", "", "", ""), Cloud(LoopbackCredential()))
    with pytest.raises(Unavailable, match=r"AZUREML_WORKSPACE_NAME not set.*LOGS_CONTAINER"):
        CollectorContainer(nowhere, "a", SetClock(NOW)).name()
