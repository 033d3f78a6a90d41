from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from engine.errors import Refused, Unavailable
from hosts.azure.ml.registry import FEATURES, IMPORTANCE, METRICS, STAGE, TRAINING_TO, AzureRegistry
from retrain.registry import Stage
from tests.doubles.azureml import AzureML
from tests.doubles.azureml_client import WorkspaceCredential, workspace
from tests.doubles.tls import Authority

# azure-ai-ml is written for marshmallow 3, and marshmallow 3 tells of 4.
pytestmark = pytest.mark.filterwarnings("ignore::marshmallow.warnings.Marshmallow4Warning")

PUT = "PUT .*/models/flights/versions/v1"


@pytest.fixture
def service(certificates: Authority) -> Iterator[AzureML]:
    with AzureML(certificates, WorkspaceCredential()) as opened:
        opened.assets.add_model("flights", "v1", tags={"owner": "us"}, properties={"p": "q"})
        yield opened


@pytest.fixture
def registry(service: AzureML, certificates: Authority) -> AzureRegistry:
    return AzureRegistry(workspace(service, certificates))


def kept(service: AzureML) -> dict[str, Any]:
    found: dict[str, Any] = service.assets.models["flights", "v1"]["properties"]
    return found


@pytest.mark.parametrize("raw", ["sklearn_regression_model", "Sklearn.Regression", "FLIGHTS_2"])
def test_a_model_is_found_under_its_raw_name(
    service: AzureML, certificates: Authority, raw: str
) -> None:
    service.assets.add_model(raw, "1", tags={}, properties={FEATURES: '["x"]'})
    registry = AzureRegistry(workspace(service, certificates), {"regression": raw}.__getitem__)
    card = registry.card("regression", "1")
    assert (card.name, card.version, card.features) == ("regression", "1", ("x",))
    registry.tag("regression", "1", {"a": "b"}, Stage.staging)
    assert service.assets.models[raw, "1"]["properties"]["tags"]["a"] == "b"
    assert registry.versions("regression") == ("1",)
    with pytest.raises(Refused, match="regression 2: not in the registry"):
        registry.card("regression", "2")


def test_the_stage_is_a_tag_and_shown_as_azures_own(
    registry: AzureRegistry, service: AzureML
) -> None:
    shown = []
    for stage in (Stage.staging, Stage.production, Stage.archived):
        registry.tag("flights", "v1", {"driftwarden.run": "r"}, stage)
        shown.append((kept(service)["tags"][STAGE], kept(service)["stage"]))
    assert shown == [
        ("staging", "Development"), ("production", "Production"), ("archived", "Archived"),
    ]  # fmt: skip
    assert kept(service)["tags"]["owner"] == "us"
    assert kept(service)["properties"] == {"p": "q"}
    # Archiving in the workspace drops its own stage; ours is still there.
    kept(service).pop("stage")
    kept(service)["isArchived"] = True
    assert registry.card("flights", "v1").stage is Stage.archived
    assert registry.versions("flights") == ("v1",)


def test_repeating_writes_nothing(registry: AzureRegistry, service: AzureML) -> None:
    for _ in range(3):
        registry.tag("flights", "v1", {"a": "1"}, Stage.staging)
    assert len(service.requests(PUT)) == 1


def test_a_lost_answer_is_found_done(registry: AzureRegistry, service: AzureML) -> None:
    service.fail(PUT, after=True)
    with pytest.raises(Unavailable, match="flights v1: tag"):
        registry.tag("flights", "v1", {"a": "1"}, Stage.staging)
    registry.tag("flights", "v1", {"a": "1"}, Stage.staging)
    assert len(service.requests(PUT)) == 1
    assert registry.card("flights", "v1").stage is Stage.staging


def test_somebody_elses_write_is_noticed(registry: AzureRegistry, service: AzureML) -> None:
    def meddle(document: dict[str, Any]) -> None:
        service.on_model = None
        document["properties"]["tags"] = {"owner": "them"}

    service.on_model = meddle
    with pytest.raises(Unavailable, match="changed by somebody else"):
        registry.tag("flights", "v1", {"a": "1"}, Stage.staging)
    registry.tag("flights", "v1", {"a": "1"}, Stage.staging)
    assert registry.card("flights", "v1").tags == {"owner": "them", "a": "1"}


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({FEATURES: "distance, hour"}, "driftwarden.features must be a JSON list"),
        ({METRICS: "[1]"}, "driftwarden.metrics must be a JSON dict"),
        ({METRICS: '{"brier": "low"}'}, "brier is not a number"),
        ({IMPORTANCE: '{"hour": true}'}, "driftwarden.importance: hour is not a number"),
        ({STAGE: "retired"}, "'retired' is none of candidate, staging"),
    ],
)
def test_a_wrong_card_is_refused_in_one_line(
    registry: AzureRegistry, service: AzureML, tags: dict[str, str], reason: str
) -> None:
    service.assets.add_model("flights", "v2", tags=tags)
    with pytest.raises(Refused, match=reason):
        registry.card("flights", "v2")


def test_properties_are_believed_before_tags(registry: AzureRegistry, service: AzureML) -> None:
    service.assets.add_model(
        "flights", "v2", tags={TRAINING_TO: "2013-12-31"}, properties={TRAINING_TO: "2013-03-29"}
    )
    card = registry.card("flights", "v2")
    assert (card.training_from, card.training_to) == (None, "2013-03-29")
    assert card.tags == {}


def test_a_list_fails_whole(registry: AzureRegistry, service: AzureML) -> None:
    service.assets.page = 1
    service.assets.add_model("flights", "v2")
    # The second page: azure-core follows the link of the first.
    service.fail("GET .*/versions$", times=0)
    assert registry.versions("flights") == ("v1", "v2")
    service.fail("GET .*/versions$")
    with pytest.raises(Unavailable, match="model flights: list"):
        registry.versions("flights")
