"""The policies of a model's data: its feature logs, its labels, and its first reference."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from engine.duration import DURATION_SCHEMA, Duration, bounded, parse_duration
from engine.errors import Refused
from engine.policy import LARGEST, LongText, Policy, ShortText
from fleet import names
from fleet.names import RawName
from retrain.registry import check_version

#: Files of so many days are looked for. Their cursors are kept longer, so that none is read twice.
LOOK_BACK = timedelta(days=7)
FILES_KEPT = LOOK_BACK + timedelta(days=1)
#: Files of this hour and the last one can grow; the others are looked at once a day.
LONGEST_POLL = timedelta(hours=1)
#: "Naming and Referencing Containers, Blobs, and Metadata" (Microsoft Learn).
CONTAINER = re.compile(r"[a-z0-9](?:-?[a-z0-9]){2,62}")


def _poll(value: object) -> object:
    # A zero equals False: it is a duration, and means every tick.
    return None if value is None or value is False or value == "off" else parse_duration(value)


def _often(value: timedelta | None) -> timedelta | None:
    if value is not None and not timedelta(0) <= value <= LONGEST_POLL:
        raise ValueError("one hour at most, since older files are looked at once a day; or off")
    return None if value is None else bounded(value)


def check_container(name: str | None) -> str | None:
    """Return the name of a blob container; ValueError where it is none.

    >>> check_container("azureml-blobstore-0b2c")
    'azureml-blobstore-0b2c'
    """
    if name is not None and not (3 <= len(name) <= 63 and CONTAINER.fullmatch(name)):
        raise ValueError(
            f"{name!r}: 3 to 63 lower-case letters, digits and single hyphens between them"
        )
    return name


#: The folder of the traffic log, beside those of the collector.
TRAFFIC = "traffic"


def check_folder(path: str) -> str:
    """Return a folder within a container without slashes at its ends; ValueError where it is none.

    >>> check_folder("/mdc/shop/")
    'mdc/shop'
    """
    path = path.strip("/")
    if path.split("/")[0] == TRAFFIC:
        raise ValueError(f"{path!r}: {TRAFFIC} is the folder of the traffic log; name another one")
    if not path.isprintable() or not all(part.strip(".") for part in path.split("/")):
        raise ValueError(f"{path!r}: not a folder within the container, such as modelDataCollector")
    return path


Poll = Annotated[
    timedelta | None,
    BeforeValidator(_poll),
    AfterValidator(_often),
    WithJsonSchema({"anyOf": [DURATION_SCHEMA, {"enum": [False, "off"]}]}),
]


class Logs(Policy):
    """Where a model's feature logs come from and when a day of them is complete."""

    endpoint: RawName = Field(
        description="Name of the endpoint in the logs' folder layout, as Azure ML spells it."
    )
    container: Annotated[ShortText | None, AfterValidator(check_container)] = Field(
        None,
        description="Blob container of the files, in the account of the app's logs. Left out: that "
        "of the app setting `DRIFTWARDEN_LOGS_CONTAINER`, else that of the workspace's datastore "
        "`workspaceblobstore`. Azure ML writes to "
        "`azureml-blobstore-GUID`, unless the deployment's `data.path` says otherwise.",
    )
    path: Annotated[LongText, AfterValidator(check_folder)] = Field(
        "modelDataCollector",
        description="Folder of the data collector within the container: what the deployment's "
        "`data.path` names, if it names one. Below it are "
        "`ENDPOINT/DEPLOYMENT/COLLECTION/yyyy/MM/dd/HH/`.",
    )
    payloads: bool = Field(
        False,
        description="If yes, the collections `request` and `response` (the HTTP payloads) are read "
        "instead of `model_inputs` and `model_outputs`.",
    )
    poll: Poll = Field(
        timedelta(minutes=1),
        description="How often files that can grow are looked for; an hour at most. `off`: events "
        "alone tell of them, which do not tell when a file of plain Blob storage grows.",
    )
    events: bool = Field(
        True, description="If `off`, events about the files are ignored, and polling finds them."
    )
    deployments: dict[ShortText, RawName] = Field(
        default_factory=dict,
        description="By version, the name of its deployment in logs and on the endpoint, if it "
        "differs: `{v1: Raw_Name}`.",
    )
    grace: Duration = Field(
        timedelta(hours=2),
        description="Wait for late rows after the end of a day; then the day is assessed.",
    )
    slow_ms: float = Field(
        1000.0, ge=1, le=3_600_000, description="Requests that take longer count as slow."
    )
    table: ShortText | None = Field(
        None,
        description="Table of the Log Analytics workspace with the requests' rows; they are "
        "counted there, a day at a time. Left out: files of the data collector.",
    )
    outputs: ShortText | None = Field(
        None, description="Table with the answers; they are read row by row and joined with labels."
    )
    rows: bool = Field(
        False,
        description="If yes, the requests of `table` are also read row by row, which retraining "
        "needs. For small data.",
    )
    traffic: bool = Field(
        False,
        description="If yes, errors and slow answers are counted from the workspace's "
        "AmlOnlineEndpointTrafficLog, an hour at a time, or where that is not kept, requests and "
        "errors from the platform's metrics; otherwise from files below traffic/.",
    )

    def version_of(self, deployment: str) -> str:
        """Return the version behind a raw name; names that are not mapped stay as they are."""
        return names.behind(deployment, self.deployments) or deployment

    def deployment_of(self, version: str) -> str:
        """Return the raw name of a version's deployment."""
        return self.deployments.get(version, version)

    @model_validator(mode="after")
    def _one_version_each(self) -> Self:
        for version in self.deployments:
            try:
                check_version(version)
            except Refused as error:
                raise ValueError(f"deployments: {error}") from None
        if (name := names.repeated(self.deployments.values())) is not None:
            raise ValueError(f"deployments: {name!r} is given for two versions; each needs its own")
        return self

    @model_validator(mode="after")
    def _heard_of(self) -> Self:
        if self.poll is None and not self.events:
            raise ValueError("poll and events are both off: no file would ever be read")
        return self

    @model_validator(mode="after")
    def _rows_of_a_table(self) -> Self:
        if self.table is None and (self.outputs is not None or self.rows):
            raise ValueError("outputs and rows need a table; files are read by row in any case")
        return self


class Labels(Policy):
    """How labels arrive."""

    wait: Duration = Field(
        timedelta(days=7),
        description="Labels that arrive later than this after their day are not used.",
    )
    bad_loss: float = Field(
        0.64,
        ge=1e-12,
        le=LARGEST,
        description="A squared loss at or above this is a large loss, which the judge's guard "
        "`large_loss` counts. Required for a regression, in squared units of its labels.",
    )
    segment: ShortText | None = Field(
        None, description="Feature whose levels are the segments of the offline gate."
    )


class Reference(Policy):
    """The rows that a new model is compared with until its first promotion."""

    data: LongText = Field(
        description="A table of reference rows: the features, `day`, `time` and `label`."
    )
