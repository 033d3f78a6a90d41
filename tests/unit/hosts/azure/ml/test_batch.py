from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.errors import Refused, Unavailable
from hosts.azure.ml.serving import Rules
from hosts.azure.ml.settling import SETTLES
from hosts.azure.ml.split import KEY, Foreign
from hosts.azure.ml.workspace import Workspace
from retrain.ports import Traffic
from tests.doubles.azureml import AzureML
from tests.doubles.azureml_client import workspace
from tests.doubles.endpoints import ENDPOINT, Stand, emptied, stand
from tests.doubles.tls import Authority
from tests.doubles.tokens import LoopbackCredential

#: azure-ai-ml is written for the marshmallow before the one it allows.
pytestmark = pytest.mark.filterwarnings("ignore::marshmallow.warnings.Marshmallow4Warning")

OLD, NEW = Traffic({"champion": 100}), Traffic({"champion": 0, "challenger": 100})


@pytest.fixture(scope="module")
def service(certificates: Authority) -> Iterator[AzureML]:
    with AzureML(certificates, LoopbackCredential()) as running:
        yield running


@pytest.fixture(scope="module")
def opened(service: AzureML, certificates: Authority) -> Workspace:
    return workspace(service, certificates)


@pytest.fixture
def at(service: AzureML, opened: Workspace) -> Stand:
    emptied(service)
    service.batch.add(ENDPOINT, "champion", "challenger", "other")
    return stand(service, opened, batch=True)


def test_the_default_deployment_is_switched_and_switched_back(at: Stand) -> None:
    assert at.serving.traffic("flights") is None
    for key, wanted in (("k1", OLD), ("k2", NEW), ("k3", OLD)):
        at.serving.set_traffic("flights", wanted, key)
        held = at.serving.traffic("flights")
        assert held is not None
        assert held.weights == {v: share for v, share in wanted.weights.items() if share}
        assert held.unready == ""
    assert at.service.batch.endpoints[ENDPOINT]["tags"][KEY] == "k3"
    at.serving.set_traffic("flights", NEW, "k2")
    at.serving.set_traffic("flights", OLD, "k3")
    assert at.puts() == 3


@pytest.mark.parametrize(
    "wanted",
    [Traffic({"champion": 90, "challenger": 10}), Traffic({"champion": 100}, ("challenger",))],
)
def test_what_no_default_can_make_is_refused(at: Stand, wanted: Traffic) -> None:
    with pytest.raises(Refused, match=r"neither split .* nor mirror"):
        at.serving.set_traffic("flights", wanted, "k1")
    assert at.puts() == 0


def test_a_version_without_a_deployment_is_refused(at: Stand) -> None:
    with pytest.raises(Refused, match=r"deployment v7-.* on flights-live is not there"):
        at.serving.set_traffic("flights", Traffic({"7": 100}), "k1")


def test_somebody_elses_default_is_held_or_reverted(at: Stand, opened: Workspace) -> None:
    at.serving.set_traffic("flights", OLD, "k1")
    found = at.service.batch.endpoints[ENDPOINT]["properties"]
    found["defaults"] = {"deploymentName": "other"}
    at.clock.moment += SETTLES
    with pytest.raises(Refused, match=r"serving\.foreign is hold"):
        at.serving.set_traffic("flights", NEW, "k2")
    reverting = stand(at.service, opened, rules=Rules(foreign=Foreign.revert), batch=True)
    reverting.clock.moment = at.clock.moment
    reverting.serving.set_traffic("flights", NEW, "k2")
    assert reverting.serving.traffic("flights") == Traffic({"challenger": 100})


def test_a_lost_answer_is_healed_by_a_repeat(at: Stand) -> None:
    at.service.fail(f"PUT .*/batchEndpoints/{ENDPOINT}$", after=True)
    with pytest.raises(Unavailable):
        at.serving.set_traffic("flights", OLD, "k1")
    at.service.finish()
    at.serving.set_traffic("flights", OLD, "k1")
    assert at.puts() == 1
    assert at.serving.traffic("flights") == OLD
