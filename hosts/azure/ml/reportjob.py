"""The command job that draws a report: its inputs, its environment and its limits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.ai.ml.entities import Command

REPORT = "driftwarden-report"
TITLE = "driftwarden.report"
#: "Curated environments" (Microsoft Learn): a base image of Azure Machine Learning with conda.
IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"
ENVIRONMENT = Path(__file__).with_name("report-environment.yaml")
#: A page takes seconds once the program runs.
RUNS = timedelta(minutes=30)
#: "Tag resources" (Microsoft Learn): characters of a tag's value.
LONGEST_TAG = 256
COMMAND = "python ${{inputs.program}} ${{inputs.window}} ${{inputs.reference}} ${{outputs.page}}"


@dataclass(frozen=True)
class Files:
    """The files of a job by their names in a datastore."""

    datastore: str
    program: str
    window: str
    reference: str


def datastore(account: str) -> str:
    """Return the name of the datastore for an account; accounts have names of their own."""
    return f"driftwarden_{account}"


def page_of(job: str) -> str:
    """Return where a job writes its page."""
    return f"{job}.html"


def command_job(name: str, title: str, files: Files, compute: str) -> Command:
    """Return the job; it reads and writes as the managed identity of its cluster."""
    from azure.ai.ml import Input, Output, command
    from azure.ai.ml.entities import Environment, ManagedIdentityConfiguration

    root = f"azureml://datastores/{files.datastore}/paths"
    # Files are copied, not mounted: mounting needs privileges that a cluster may lack.
    inputs = {
        field: Input(type="uri_file", path=f"{root}/{file}", mode="download")
        for field, file in (
            ("program", files.program),
            ("window", files.window),
            ("reference", files.reference),
        )
    }
    page = Output(type="uri_file", path=f"{root}/{page_of(name)}", mode="upload")
    made: Command = command(
        name=name,
        display_name=title,
        experiment_name=REPORT,
        command=COMMAND,
        inputs=inputs,
        outputs={"page": page},
        environment=Environment(image=IMAGE, conda_file=ENVIRONMENT),
        compute=compute,
        identity=ManagedIdentityConfiguration(),
        tags={TITLE: title[:LONGEST_TAG]},
    )
    made.set_limits(timeout=int(RUNS.total_seconds()))
    return made
