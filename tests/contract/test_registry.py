"""One suite, every registry: cards, stages and tags of model versions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest

from engine.errors import Refused
from hosts.azure.ml.registry import (
    FEATURES,
    IMPORTANCE,
    METRICS,
    TRAINING_FROM,
    TRAINING_TO,
    AzureRegistry,
)
from hosts.local.models.registry import ModelFolders
from retrain.ports import ModelCard, Registry
from retrain.registry import MOVES, Stage
from tests.doubles.azureml import AzureML
from tests.doubles.azureml_client import WorkspaceCredential, workspace
from tests.doubles.tls import Authority

# azure-ai-ml is written for marshmallow 3, and marshmallow 3 tells of 4.
pytestmark = pytest.mark.filterwarnings("ignore::marshmallow.warnings.Marshmallow4Warning")

MODEL_FILE = """\
name: flights
version: {version}
features: [distance, hour]
entry: scoring:score
training_window: {{from: 2013-01-01, to: 2013-03-29}}
metrics: {{brier: 0.125}}
importance: {{hour: 3, distance: 0.5}}
"""


class Place(Protocol):
    """A registry, and a way to register with it."""

    @property
    def registry(self) -> Registry: ...

    def register(self, version: str) -> None:
        """Put a version there as a training does."""


class Local:
    def __init__(self, folder: Path) -> None:
        self.registry = ModelFolders(folder / "models")
        self.source = folder / "made"
        self.source.mkdir()

    def register(self, version: str) -> None:
        (self.source / "model.yaml").write_text(MODEL_FILE.format(version=version))
        self.registry.register(self.source, {"driftwarden.run": "r"})


class Azure:
    def __init__(self, service: AzureML, authority: Authority) -> None:
        self.service = service
        self.registry = AzureRegistry(workspace(service, authority))
        self.at = datetime(2013, 7, 1, tzinfo=UTC)
        service.now = self.clock
        # So that a list takes more than one request.
        service.assets.page = 2

    def clock(self) -> datetime:
        self.at += timedelta(minutes=1)
        return self.at

    def register(self, version: str) -> None:
        properties = {
            FEATURES: json.dumps(["distance", "hour"]),
            TRAINING_FROM: "2013-01-01",
            TRAINING_TO: "2013-03-29",
            METRICS: json.dumps({"brier": 0.125}),
            IMPORTANCE: json.dumps({"hour": 3, "distance": 0.5}),
        }
        tags = {"driftwarden.run": "r"}
        self.service.assets.add_model("flights", version, tags=tags, properties=properties)


@pytest.fixture(params=["local", "azure"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, certificates: Authority
) -> Iterator[Place]:
    if request.param == "local":
        yield Local(tmp_path)
    else:
        with AzureML(certificates, WorkspaceCredential()) as service:
            yield Azure(service, certificates)


def test_a_card_tells_what_the_training_left(place: Place) -> None:
    place.register("v1")
    assert place.registry.card("flights", "v1") == ModelCard(
        name="flights",
        version="v1",
        features=("distance", "hour"),
        training_from="2013-01-01",
        training_to="2013-03-29",
        metrics={"brier": 0.125},
        importance={"hour": 3.0, "distance": 0.5},
        tags={"driftwarden.run": "r"},
        stage=Stage.candidate,
    )


def test_there_is_no_card_of_nothing(place: Place) -> None:
    with pytest.raises(Refused, match="flights v1: not in the registry"):
        place.registry.card("flights", "v1")
    with pytest.raises(Refused, match="flights v1: not in the registry"):
        place.registry.tag("flights", "v1", {}, Stage.staging)
    assert place.registry.versions("flights") == ()
    with pytest.raises(Refused, match="use a-z"):
        place.registry.versions("Flights Of Fancy")


def test_tags_add_up_and_repeating_changes_nothing(place: Place) -> None:
    place.register("v1")
    place.register("v2")
    for _ in range(2):
        place.registry.tag("flights", "v1", {"a": "1"}, Stage.staging)
    place.registry.tag("flights", "v1", {"b": "2"}, Stage.production)
    card = place.registry.card("flights", "v1")
    assert card.tags == {"driftwarden.run": "r", "a": "1", "b": "2"}
    assert card.stage is Stage.production
    place.registry.tag("flights", "v1", {"a": "3"}, Stage.production)
    assert place.registry.card("flights", "v1").tags["a"] == "3"
    assert place.registry.card("flights", "v2").stage is Stage.candidate


def test_only_legal_moves_are_made(place: Place) -> None:
    place.register("v1")
    with pytest.raises(Refused, match="candidate -> production: not a legal move"):
        place.registry.tag("flights", "v1", {"a": "1"}, Stage.production)
    assert "a" not in place.registry.card("flights", "v1").tags
    for stage in (Stage.staging, Stage.production, Stage.archived, Stage.production):
        place.registry.tag("flights", "v1", {}, stage)
        assert place.registry.card("flights", "v1").stage is stage
    assert Stage.candidate not in MOVES[Stage.production]


def test_versions_come_oldest_first(place: Place) -> None:
    for version in ("v9", "v10", "v1", "v5", "run-3"):
        place.register(version)
    place.registry.tag("flights", "v9", {"touched": "last"}, Stage.archived)
    assert place.registry.versions("flights") == ("v9", "v10", "v1", "v5", "run-3")


def test_versions_are_listed_by_their_creation_on_every_page(
    certificates: Authority,
) -> None:
    with AzureML(certificates, WorkspaceCredential()) as service:
        place = Azure(service, certificates)
        begun = place.at
        assert place.registry.newest("flights") is None
        assert place.registry.since("flights", begun) == ()
        service.assets.page = 100
        for number in range(120):
            place.register(str(number))
        service.assets.add_model("flights-2", "1")
        newest = place.registry.newest("flights")
        assert newest == begun + timedelta(minutes=120)
        found = place.registry.since("flights", begun)
        assert [one.version for one in found] == [str(number) for number in range(120)]
        assert [one.created - begun for one in found[:2]] == [
            timedelta(minutes=1), timedelta(minutes=2),
        ]  # fmt: skip
        assert found[0].tags == {"driftwarden.run": "r"}
        assert found[0].properties[TRAINING_FROM] == "2013-01-01"
        assert place.registry.since("flights", newest) == ()
        (last,) = place.registry.since("flights", newest - timedelta(seconds=1))
        assert last.version == "119"


def test_a_version_that_is_archived_has_an_age_and_is_no_news(certificates: Authority) -> None:
    with AzureML(certificates, WorkspaceCredential()) as service:
        place = Azure(service, certificates)
        for version in ("v1", "v2"):
            place.register(version)
        service.assets.models["flights", "v2"]["properties"]["isArchived"] = True
        begun = datetime(2013, 7, 1, tzinfo=UTC)
        assert place.registry.newest("flights") == place.at
        assert [one.version for one in place.registry.since("flights", begun)] == ["v1"]
