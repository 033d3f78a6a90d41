"""Reports as jobs: submitted once, waited for without blocking, refused in one line."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from engine.clock import SetClock
from engine.errors import Refused, Unavailable
from hosts.azure.ml import reports
from hosts.azure.ml.reportjob import ENVIRONMENT, IMAGE
from hosts.azure.ml.reports import LOOK_EVERY, WAITS, AzureReports
from hosts.azure.storage.connection import Connection
from hosts.azure.storage.exchange import Exchange
from hosts.reports.prepared import prepare
from hosts.reports.program import packed, program
from tests.doubles.azureml import AzureML
from tests.doubles.azureml_client import WorkspaceCredential, workspace
from tests.doubles.tls import Authority

# azure-ai-ml is written for marshmallow 3, and marshmallow 3 tells of 4.
pytestmark = pytest.mark.filterwarnings("ignore::marshmallow.warnings.Marshmallow4Warning")

NOW = datetime(2024, 3, 5, tzinfo=UTC)
TITLE = "demand: 2024-03-04 (drift-1)"
ROWS = pa.table({"x": [1.0, 2.0], "kind": ["a", "b"]})
DATASTORE = "azureml://datastores/driftwarden_devstoreaccount1/paths"


class Desk:
    """A workspace, the container, and what asks for reports."""

    def __init__(self, service: AzureML, authority: Authority, files: Exchange) -> None:
        self.service, self.files, self.clock = service, files, SetClock(NOW)
        self._opened = workspace(service, authority)
        service.now = self.clock.now
        service.assets.add_compute("cpu")
        self.read = 0
        #: What another worker does while this one reads its rows.
        self.meanwhile: Callable[[], object] | None = None

    def html(self, title: str = TITLE, compute: str = "cpu", rows: pa.Table = ROWS) -> bytes:
        """Ask once, as an attempt at the effect does."""

        def window() -> Iterator[pa.Table]:
            self.read += 1
            if meanwhile is not None:
                with pytest.raises(Unavailable):
                    meanwhile()
            yield rows

        meanwhile, self.meanwhile = self.meanwhile, None
        made = AzureReports(self._opened, self.files, self.clock, compute)
        return made.html(title, ["a note"], window(), [ROWS])

    @property
    def names(self) -> list[str]:
        return list(self.service.jobs.documents)

    def submitted(self) -> str:
        """Submit a report; return the job's name."""
        with pytest.raises(Unavailable):
            self.html()
        (name,) = self.names
        return name

    def asked(self) -> dict[str, Any]:
        (document,) = self.service.jobs.documents.values()
        found: dict[str, Any] = document["properties"]
        return found


@pytest.fixture
def desk(certificates: Authority, account: Connection, fresh_name: str) -> Iterator[Desk]:
    with AzureML(certificates, WorkspaceCredential()) as service:
        yield Desk(service, certificates, Exchange(account.blobs(), fresh_name))


def test_a_job_gets_the_prepared_rows_by_address(desk: Desk) -> None:
    name = desk.submitted()
    asked = desk.asked()
    window, reference = packed(prepare(TITLE, ["a note"], [ROWS], [ROWS]))
    inputs = {field: given["uri"] for field, given in asked["inputs"].items()}
    kept = {}
    for field, uri in inputs.items():
        root, _, blob = uri.rpartition("/")
        assert root.endswith(DATASTORE.removeprefix("azureml://"))
        kept[field] = desk.files.get(blob)
    assert kept == {"program": program(), "window": window, "reference": reference}
    assert asked["outputs"]["page"]["uri"].endswith(f"/paths/{name}.html")
    assert asked["identity"]["identityType"] == "Managed"
    assert asked["computeId"].endswith("/computes/cpu")
    assert asked["limits"]["timeout"] == "PT30M"
    assert asked["tags"]["driftwarden.report"] == TITLE
    (known,) = desk.service.assets.datastores.values()
    assert known["properties"]["containerName"] == desk.files.container
    assert known["properties"]["credentials"] == {"credentialsType": "None"}


def test_its_environment_pins_what_a_page_is_made_of(desk: Desk) -> None:
    desk.submitted()
    (known,) = desk.service.assets.environments.values()
    assert known["properties"]["image"] == IMAGE
    written = yaml.safe_load(known["properties"]["condaFile"])
    assert written["dependencies"] == yaml.safe_load(ENVIRONMENT.read_text())["dependencies"]


def test_a_page_is_taken_in_when_the_job_is_completed(desk: Desk) -> None:
    name = desk.submitted()
    for status in ("Queued", "Preparing", "Running", "Finalizing", "NotResponding"):
        desk.service.jobs.set(name, status)
        with pytest.raises(Unavailable, match=f"^job {name}: {status}$") as waits:
            desk.html()
        assert waits.value.longest == LOOK_EVERY
    desk.files._container.upload_blob(f"{name}.html", b"<html>")
    desk.service.jobs.set(name, "Completed")
    assert desk.html() == desk.html() == b"<html>"
    assert (desk.names, desk.read) == ([name], 1)


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        ("Failed", {"code": "UserError", "message": "Evidently failed: no"}, "UserError: Evid"),
        ("Failed", {"code": "SystemError", "message": "node lost"}, "SystemError: node lost"),
        ("Failed", {"code": "UserError", "message": "x" * 900}, "UserError: xxx"),
        ("Failed", None, "the job failed and left no reason"),
        ("Canceled", None, "cancelled"),
        ("CancelRequested", None, "cancelled"),
        ("Completed", None, "completed, but wrote no page"),
    ],
)
def test_a_job_that_left_no_page_is_refused_in_one_line(
    desk: Desk, status: str, error: dict[str, Any] | None, said: str
) -> None:
    name = desk.submitted()
    desk.service.jobs.set(name, status, error)
    with pytest.raises(Refused, match=rf"^job {name}: .*{said}") as told:
        desk.html()
    assert len(str(told.value)) <= reports.LONGEST_REASON
    assert desk.names == [name]


@pytest.mark.parametrize("status", ["NotStarted", "Queued", "Preparing", "NotResponding", "Paused"])
def test_a_job_that_waits_for_hours_is_cancelled(desk: Desk, status: str) -> None:
    name = desk.submitted()
    desk.service.jobs.set(name, status)
    desk.clock.moment = NOW + WAITS
    with pytest.raises(Unavailable):
        desk.html()
    desk.clock.moment = NOW + WAITS + timedelta(minutes=1)
    with pytest.raises(Refused, match=f"^job {name}: {status} after 2 hours$"):
        desk.html()
    assert desk.asked()["status"] == "CancelRequested"


def test_a_report_has_a_job_of_its_own(desk: Desk, account: Connection, fresh_name: str) -> None:
    titles = [
        TITLE,
        "demand: 2024-03-04 (drift-2)",
        "demand: 2024-03-05 (drift-1)",
        "other: 2024-03-04 (drift-1)",
        "Demand: 2024-03-04 (drift-1)",
    ]
    for title in [*titles, *titles]:
        with pytest.raises(Unavailable):
            desk.html(title)
    assert len(desk.names) == len(titles)
    # Another environment on the same workspace keeps its files in an account of its own.
    desk.files = Exchange(account.blobs(), f"{fresh_name}2")
    with pytest.raises(Unavailable):
        desk.html()
    assert len(desk.names) == len(titles) + 1


def test_what_cannot_be_drawn_starts_no_job(desk: Desk) -> None:
    with pytest.raises(Refused, match="the window has no rows"):
        desk.html(rows=ROWS.slice(0, 0))
    with pytest.raises(Refused, match=r"^reports\.compute in fleet\.yaml names no compute"):
        desk.html(compute="")
    assert desk.names == []


def test_of_two_workers_one_submits(desk: Desk) -> None:
    """The other one submits while this one reads its rows; the service refuses the second job."""
    desk.meanwhile = lambda: desk.html(rows=pa.table({"x": [5.0]}))
    with pytest.raises(Unavailable):
        desk.html()
    (name,) = desk.names
    window = desk.asked()["inputs"]["window"]["uri"].rpartition("/")[2]
    assert pq.read_table(io.BytesIO(desk.files.get(window) or b"")).num_rows == 1
    assert len(desk.service.requests(f"PUT .*/jobs/{name}$")) == 2
