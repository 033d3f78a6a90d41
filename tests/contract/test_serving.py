"""One suite, every host's serving: what the rollout relies on when it moves traffic."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import Refused
from hosts.azure.ml.serving import Rules
from hosts.azure.ml.split import Foreign
from hosts.azure.ml.workspace import Workspace
from hosts.local.models.registry import ModelFolders
from hosts.local.models.router import Router
from hosts.local.models.scorer import Scorers
from retrain.ports import Serving, Traffic
from tests.doubles.azureml import AzureML
from tests.doubles.azureml_client import workspace
from tests.doubles.endpoints import ENDPOINT, emptied, stand
from tests.doubles.tls import Authority
from tests.doubles.tokens import LoopbackCredential

#: azure-ai-ml is written for the marshmallow before the one it allows.
pytestmark = pytest.mark.filterwarnings("ignore::marshmallow.warnings.Marshmallow4Warning")

VERSIONS = ("v-old", "v-new", "2013.06")
MODEL = "name: flights\nversion: {0}\nfeatures: [a]\nentry: scoring:score\n"
WINDOW = "training_window: {from: 2013-01-01, to: 2013-03-29}\n"


@pytest.fixture(scope="module")
def service(certificates: Authority) -> Iterator[AzureML]:
    with AzureML(certificates, LoopbackCredential()) as running:
        yield running


@pytest.fixture(scope="module")
def opened(service: AzureML, certificates: Authority) -> Workspace:
    return workspace(service, certificates)


def local(root: Path) -> Router:
    for version in VERSIONS:
        folder = root / "models" / "flights" / version
        folder.mkdir(parents=True)
        (folder / "model.yaml").write_text(MODEL.format(version) + WINDOW)
    folders = ModelFolders(root / "models")
    return Router(folders, root / "logs", root / "traffic", Scorers(limit=1))


@pytest.fixture(params=["local", "azure"])
def serving(
    request: pytest.FixtureRequest, tmp_path: Path, service: AzureML, opened: Workspace
) -> Serving:
    if request.param == "local":
        return local(tmp_path)
    emptied(service)
    service.online.add(ENDPOINT)
    for n, version in enumerate(VERSIONS):
        service.online.add_deployment(ENDPOINT, f"arm{n}", f"flights:{version}")
    # The local router mends whatever it finds; so does this policy.
    return stand(service, opened, rules=Rules(foreign=Foreign.revert)).serving


def held(serving: Serving) -> Traffic:
    """Return the split by versions, whatever their deployments are called."""
    found = serving.traffic("flights")
    assert found is not None
    return Traffic(found.weights, found.shadow)


def test_nothing_holds_before_it_was_set(serving: Serving) -> None:
    assert serving.traffic("flights") is None


def test_a_key_that_was_replaced_while_it_was_on_its_way_changes_nothing(serving: Serving) -> None:
    """A retreat overtakes what is unpaid; those come after it, and are late."""
    serving.set_traffic("flights", Traffic({"v-old": 90, "v-new": 10}), "k1")
    back = Traffic({"v-old": 100}, retreat=True)
    for _ in range(2):
        serving.set_traffic("flights", back, "k4", ("k2", "k3"))
        for late in ("k2", "k3", "k1"):
            serving.set_traffic("flights", Traffic({"v-old": 50, "v-new": 50}), late)
            assert held(serving) == back
    serving.set_traffic("flights", Traffic({"v-new": 100}), "k5")
    assert held(serving) == Traffic({"v-new": 100})


def test_a_rollout_goes_all_its_way(serving: Serving) -> None:
    way = [
        Traffic({"v-old": 100}, shadow=("v-new",)),
        Traffic({"v-old": 90, "v-new": 10}),
        Traffic({"v-old": 99, "v-new": 1}),
        Traffic({"v-new": 100}),
        Traffic({"v-new": 60, "2013.06": 40}),
    ]
    for n, wanted in enumerate(way):
        serving.set_traffic("flights", wanted, f"flights-rollout-1:{n}")
        assert held(serving) == wanted


def test_a_weight_of_zero_is_none(serving: Serving) -> None:
    serving.set_traffic("flights", Traffic({"v-old": 0, "v-new": 100}), "k1")
    assert held(serving) == Traffic({"v-new": 100})


def test_the_same_key_again_is_harmless(serving: Serving) -> None:
    wanted = Traffic({"v-old": 90, "v-new": 10})
    for _ in range(3):
        serving.set_traffic("flights", wanted, "k1")
        assert held(serving) == wanted


def test_a_late_repeat_of_an_older_key_changes_nothing(serving: Serving) -> None:
    way = [Traffic({"v-old": 100 - weight, "v-new": weight}) for weight in (10, 50, 0)]
    for n, wanted in enumerate(way):
        serving.set_traffic("flights", wanted, f"k{n}")
    for n in (0, 1, 0):
        serving.set_traffic("flights", way[n], f"k{n}")
        assert held(serving).weights == {"v-old": 100}


def test_a_version_that_is_nowhere_is_refused_and_nothing_moves(serving: Serving) -> None:
    serving.set_traffic("flights", Traffic({"v-old": 100}), "k1")
    with pytest.raises(Refused, match="v-none"):
        serving.set_traffic("flights", Traffic({"v-old": 90, "v-none": 10}), "k2")
    assert held(serving) == Traffic({"v-old": 100})


def test_a_refused_key_may_come_again_with_what_it_needs(serving: Serving) -> None:
    serving.set_traffic("flights", Traffic({"v-old": 100}), "k1")
    with pytest.raises(Refused):
        serving.set_traffic("flights", Traffic({"v-none": 100}), "k2")
    serving.set_traffic("flights", Traffic({"v-new": 100}), "k2")
    assert held(serving) == Traffic({"v-new": 100})
