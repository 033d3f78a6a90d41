from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.errors import Refused, Unavailable
from hosts.azure.ml.deployments import VERSION, Names, deployment_name
from hosts.azure.ml.serving import Rules
from hosts.azure.ml.settling import AGAIN, SETTLES
from hosts.azure.ml.split import AT, FOREIGN, KEY, RUN, WEIGHTS, Foreign
from hosts.azure.ml.workspace import Workspace
from hosts.azure.storage.lease import LASTS
from retrain.ports import Traffic
from tests.doubles.azureml import AzureML
from tests.doubles.azureml_client import workspace
from tests.doubles.azureml_data import DataAssets
from tests.doubles.endpoints import ENDPOINT, TEMPLATE, Stand, emptied, stand
from tests.doubles.loopback import Response
from tests.doubles.tls import Authority
from tests.doubles.tokens import LoopbackCredential

#: azure-ai-ml is written for the marshmallow before the one it allows.
pytestmark = pytest.mark.filterwarnings("ignore::marshmallow.warnings.Marshmallow4Warning")

ALL = Traffic({"champion": 100})
CANARY = Traffic({"champion": 90, "challenger": 10})
HALF = Traffic({"champion": 50, "challenger": 50})
K1, K2, K3 = (f"flights-rollout-1:canary:{n}:traffic" for n in range(3))
AILING = {"error": {"code": "InternalServerError", "message": "try again"}}
COLLECTOR = """\
data_collector:
  collections:
    model_inputs: {enabled: "True"}
    model_outputs: {enabled: "True"}
"""
WRITE = f"PUT .*/onlineEndpoints/{ENDPOINT}$"


@pytest.fixture(scope="module")
def service(certificates: Authority) -> Iterator[AzureML]:
    with AzureML(certificates, LoopbackCredential()) as running:
        DataAssets(running)
        yield running


@pytest.fixture(scope="module")
def opened(service: AzureML, certificates: Authority) -> Workspace:
    return workspace(service, certificates)


@pytest.fixture
def make(service: AzureML, opened: Workspace) -> Callable[..., Stand]:
    def build(foreign: Foreign = Foreign.hold, **options: Any) -> Stand:
        emptied(service)
        service.online.add(ENDPOINT, "champion", "challenger", model="flights")
        return stand(service, opened, rules=Rules(20, foreign), **options)

    return build


@pytest.fixture
def at(make: Callable[..., Stand]) -> Stand:
    return make()


def test_a_split_is_written_with_its_record_and_read_back(at: Stand) -> None:
    at.serving.set_traffic("flights", CANARY, K1)
    assert at.weights() == {"champion": 90, "challenger": 10}
    assert at.serving.traffic("flights") == CANARY
    tags = at.endpoint()["tags"]
    assert tags[RUN] == "flights-rollout-1"
    assert tags[KEY] == K1
    assert tags[WEIGHTS] == "challenger=10 champion=90"
    assert at.serving.traffic("flights").foreign == ""


def test_there_is_no_traffic_until_it_was_set(at: Stand) -> None:
    assert at.serving.traffic("flights") is None


def test_what_others_put_on_the_endpoint_is_kept(at: Stand) -> None:
    at.endpoint()["tags"]["owner"] = "air"
    at.endpoint()["properties"]["description"] = "arrivals"
    at.serving.set_traffic("flights", ALL, K1)
    assert at.endpoint()["tags"]["owner"] == "air"
    assert at.endpoint()["properties"]["description"] == "arrivals"
    assert at.endpoint()["properties"]["authMode"] == "Key"


def test_the_same_key_writes_nothing_that_holds(at: Stand) -> None:
    at.serving.set_traffic("flights", CANARY, K1)
    at.serving.set_traffic("flights", CANARY, K1)
    assert at.puts() == 1


def test_a_superseded_key_is_a_late_repeat(at: Stand) -> None:
    at.serving.set_traffic("flights", CANARY, K1)
    at.serving.set_traffic("flights", HALF, K2)
    at.serving.set_traffic("flights", CANARY, K1)
    assert at.weights() == {"champion": 50, "challenger": 50}
    assert at.puts() == 2


def test_a_shadow_gets_a_copy_and_leaves_it(at: Stand) -> None:
    shadowed = Traffic({"champion": 100}, shadow=("challenger",))
    at.serving.set_traffic("flights", shadowed, K1)
    assert at.endpoint()["properties"]["mirrorTraffic"] == {"challenger": 20}
    assert at.serving.traffic("flights") == shadowed
    at.serving.set_traffic("flights", CANARY, K2)
    assert at.endpoint()["properties"]["mirrorTraffic"] == {}


def test_a_mirror_that_an_older_tool_dropped_is_put_back(at: Stand) -> None:
    shadowed = Traffic({"champion": 100}, shadow=("challenger",))
    at.serving.set_traffic("flights", shadowed, K1)
    at.others_split({"champion": 100})
    at.serving.set_traffic("flights", shadowed, K1)
    assert at.serving.traffic("flights") == shadowed
    assert at.serving.traffic("flights").foreign == ""


def test_two_shadows_are_refused_before_anything_is_written(at: Stand) -> None:
    with pytest.raises(Refused, match="mirrors to one deployment"):
        at.serving.set_traffic("flights", Traffic({"champion": 100}, ("a", "b")), K1)
    assert at.puts() == 0


def test_a_mirror_over_half_is_refused() -> None:
    with pytest.raises(Refused, match="1 to 50 percent"):
        Rules(mirror=51)


def test_an_endpoint_on_kubernetes_splits_but_mirrors_nothing(at: Stand) -> None:
    compute = f"{at.service.scope}/computes/k8s"
    at.endpoint()["properties"]["compute"] = compute
    with pytest.raises(Refused, match="on Kubernetes mirrors no traffic"):
        at.serving.set_traffic("flights", Traffic({"champion": 100}, ("challenger",)), K1)
    at.serving.set_traffic("flights", CANARY, K2)
    assert at.serving.traffic("flights") == CANARY
    assert at.endpoint()["properties"]["compute"] == compute


# Somebody else's split


def test_somebody_elses_split_is_held_and_told(at: Stand) -> None:
    at.serving.set_traffic("flights", CANARY, K1)
    at.others_split({"champion": 30, "challenger": 70})
    with pytest.raises(Refused, match=r"flights-live has challenger=70 champion=30.*hold"):
        at.serving.set_traffic("flights", HALF, K2)
    assert at.serving.traffic("flights") == Traffic({"champion": 30, "challenger": 70})
    assert at.puts() == 1


def test_somebody_elses_split_is_reverted_once_and_told(make: Callable[..., Stand]) -> None:
    at = make(Foreign.revert)
    at.serving.set_traffic("flights", CANARY, K1)
    at.others_split({"champion": 30, "challenger": 70})
    for _ in range(2):
        at.serving.set_traffic("flights", HALF, K2)
        assert at.serving.traffic("flights") == HALF
        assert at.serving.traffic("flights").foreign.startswith(
            "revert: challenger=70 champion=30 found"
        )
    assert at.puts() == 2
    at.serving.set_traffic("flights", CANARY, K3)
    assert at.serving.traffic("flights").foreign == ""


def test_somebody_elses_split_is_adopted_for_good(make: Callable[..., Stand]) -> None:
    at = make(Foreign.adopt)
    at.serving.set_traffic("flights", CANARY, K1)
    at.others_split({"champion": 30, "challenger": 70})
    for _ in range(2):
        at.serving.set_traffic("flights", HALF, K2)
        assert at.serving.traffic("flights") == Traffic({"champion": 30, "challenger": 70})
        assert at.serving.traffic("flights").foreign.startswith("adopt: ")
    assert at.endpoint()["tags"][FOREIGN].startswith("adopt: ")
    assert at.puts() == 2
    at.serving.set_traffic("flights", ALL, K3)
    assert at.serving.traffic("flights") == ALL


def test_a_split_that_is_asked_for_as_it_stands_is_ours_from_then_on(
    make: Callable[..., Stand],
) -> None:
    at = make(Foreign.adopt)
    at.serving.set_traffic("flights", CANARY, K1)
    at.others_split({"champion": 30, "challenger": 70})
    at.serving.set_traffic("flights", Traffic({"champion": 30, "challenger": 70}), K2)
    assert at.serving.traffic("flights").foreign == ""
    at.serving.set_traffic("flights", ALL, K3)
    assert at.serving.traffic("flights") == ALL


def test_the_split_that_was_asked_for_may_be_set_by_anybody(at: Stand) -> None:
    at.serving.set_traffic("flights", CANARY, K1)
    at.others_split({"champion": 50, "challenger": 50})
    at.serving.set_traffic("flights", HALF, K2)
    assert at.endpoint()["tags"][KEY] == K2
    assert at.serving.traffic("flights").foreign == ""


# Reads that are older than our own write


@pytest.mark.parametrize(
    ("foreign", "reads", "tags"),
    [
        (Foreign.hold, 2, False),
        (Foreign.hold, 3, True),
        (Foreign.adopt, 3, False),
        (Foreign.adopt, 2, True),
        (Foreign.revert, 4, False),
        (Foreign.revert, 2, True),
    ],
)
def test_a_read_older_than_our_write_is_nobodys_change(
    make: Callable[..., Stand], foreign: Foreign, reads: int, *, tags: bool
) -> None:
    at = make(foreign)
    at.serving.set_traffic("flights", ALL, K1)
    at.clock.moment += SETTLES
    at.service.online.stale, at.service.online.stale_tags = reads, tags
    waits: list[timedelta] = []
    while True:
        try:
            at.serving.set_traffic("flights", CANARY, K2)
            found = at.serving.traffic("flights")
            break
        except Unavailable as error:
            waits.append(error.delay)
    assert 1 <= len(waits) <= reads
    assert set(waits) == {AGAIN}
    assert found == CANARY
    assert found.foreign == ""
    assert at.puts() == 2


def older(at: Stand, *, tags: bool) -> None:
    """Write a split that the next reads do not show."""
    at.serving.set_traffic("flights", HALF, K1)
    at.clock.moment += SETTLES
    at.service.online.stale, at.service.online.stale_tags = 9, tags
    with pytest.raises(Unavailable):
        at.serving.set_traffic("flights", CANARY, K2)
    at.service.online.stale = 0


@pytest.mark.parametrize("tags", [False, True])
def test_an_older_read_is_not_told_as_the_split_that_holds(at: Stand, *, tags: bool) -> None:
    older(at, tags=tags)
    with pytest.raises(Unavailable, match="differs from what was just written"):
        at.serving.traffic("flights")


@pytest.mark.parametrize("tags", [False, True])
def test_the_way_back_does_not_wait_for_an_older_read(at: Stand, *, tags: bool) -> None:
    older(at, tags=tags)
    at.serving.set_traffic("flights", BACK, K3)
    assert at.weights() == {"champion": 100}


def test_another_process_knows_the_write_by_the_tags(at: Stand) -> None:
    older(at, tags=False)
    other = stand(at.service, at.workspace)
    other.clock.moment = at.clock.moment
    with pytest.raises(Unavailable, match="differs from what was just written"):
        other.serving.traffic("flights")
    other.clock.moment += SETTLES
    assert other.serving.traffic("flights") == HALF


@pytest.mark.parametrize("said", ["", "yesterday", "2013-07-04", "2013-07-04T12:00:00", "Z"])
def test_a_time_that_somebody_edited_is_none(at: Stand, said: str) -> None:
    at.serving.set_traffic("flights", CANARY, K1)
    at.endpoint()["tags"][AT] = said
    other = stand(at.service, at.workspace)
    at.service.online.split(ENDPOINT, {"champion": 100}, {})
    assert other.serving.traffic("flights") == ALL


@pytest.mark.parametrize("status", [400, 409])
def test_a_write_just_after_another_is_waited_for(at: Stand, status: int) -> None:
    at.service.online.lingering = [status]
    with pytest.raises(Unavailable, match="in Updating provisioning state"):
        at.serving.set_traffic("flights", CANARY, K1)
    at.serving.set_traffic("flights", CANARY, K1)
    assert at.serving.traffic("flights") == CANARY


@pytest.mark.parametrize("status", [400, 409])
def test_a_new_deployment_just_after_another_operation_is_waited_for(
    make: Callable[..., Stand], tmp_path: Path, status: int
) -> None:
    template = tmp_path / "deployment.yaml"
    template.write_text(TEMPLATE)
    at = make(template=template)
    at.service.online.lingering = [status]
    wanted = Traffic({"champion": 90, "v-new": 10})
    with pytest.raises(Unavailable, match="in Updating provisioning state"):
        at.serving.set_traffic("flights", wanted, K1)
    at.serving.set_traffic("flights", wanted, K1)
    assert at.serving.traffic("flights") == wanted


# The way back


BACK = Traffic({"champion": 100}, retreat=True)


@pytest.mark.parametrize("state", ["Failed", "Scaling", "Updating", "Deleting", "Canceled"])
def test_the_champion_takes_the_traffic_back_in_any_state_and_that_is_told(
    at: Stand, state: str
) -> None:
    at.serving.set_traffic("flights", HALF, K1)
    found = at.service.online.deployments[ENDPOINT, "champion"]
    found["properties"]["provisioningState"] = state
    with pytest.raises(
        (Refused, Unavailable), match=f"champion on flights-live is {state}".lower()
    ):
        at.serving.set_traffic("flights", CANARY, K2)
    at.serving.set_traffic("flights", BACK, K3)
    assert at.weights() == {"champion": 100}
    held = at.serving.traffic("flights")
    assert held.unready == f"deployment champion is {state.lower()}"
    found["properties"]["provisioningState"] = "Succeeded"
    assert at.serving.traffic("flights").unready == ""


def test_a_champion_in_the_making_is_waited_for(at: Stand) -> None:
    at.serving.set_traffic("flights", Traffic({"challenger": 100}), K1)
    found = at.service.online.deployments[ENDPOINT, "champion"]
    found["properties"]["provisioningState"] = "Creating"
    with pytest.raises(Unavailable, match="champion on flights-live is creating"):
        at.serving.set_traffic("flights", BACK, K2)


def test_a_champion_whose_deployment_was_deleted_gets_another(
    make: Callable[..., Stand], tmp_path: Path
) -> None:
    template = tmp_path / "deployment.yaml"
    template.write_text(TEMPLATE)
    at = make(template=template)
    at.serving.set_traffic("flights", HALF, K1)
    at.serving.set_traffic("flights", Traffic({"challenger": 100}), K2)
    del at.service.online.deployments[ENDPOINT, "champion"]
    at.serving.set_traffic("flights", BACK, K3)
    assert at.weights() == {"champion": 100}
    assert len(at.service.requests("PUT .*/deployments/champion$")) == 1


def test_a_champion_that_nothing_can_deploy_is_refused_by_name(at: Stand) -> None:
    at.serving.set_traffic("flights", Traffic({"challenger": 100}), K1)
    del at.service.online.deployments[ENDPOINT, "champion"]
    with pytest.raises(Refused, match="champion on flights-live is not there"):
        at.serving.set_traffic("flights", BACK, K2)


def test_an_endpoint_that_shows_a_change_is_written_and_waited_for_only_where_it_says_so(
    at: Stand,
) -> None:
    at.serving.set_traffic("flights", HALF, K1)
    at.endpoint()["properties"]["provisioningState"] = "Updating"
    with pytest.raises(Unavailable, match="endpoint flights-live is updating"):
        at.serving.set_traffic("flights", CANARY, K2)
    at.service.fail(WRITE, answer=Response(409, AILING))
    with pytest.raises(Unavailable, match="try again"):
        at.serving.set_traffic("flights", BACK, K3)
    at.serving.set_traffic("flights", BACK, K3)
    assert at.serving.traffic("flights") == BACK


def test_an_advance_that_hangs_on_its_deployment_does_not_hold_the_way_back(
    make: Callable[..., Stand], tmp_path: Path
) -> None:
    template = tmp_path / "deployment.yaml"
    template.write_text(TEMPLATE)
    at = make(template=template, wait=timedelta(seconds=0.1))
    at.serving.set_traffic("flights", HALF, K1)
    at.service.polls = None
    with pytest.raises(Unavailable):
        at.serving.set_traffic("flights", Traffic({"challenger": 90, "v-new": 10}), K2)
    at.service.polls = 0
    at.serving.set_traffic("flights", BACK, K3, (K2,))
    at.service.finish()
    at.serving.set_traffic("flights", Traffic({"challenger": 90, "v-new": 10}), K2)
    assert at.serving.traffic("flights") == BACK


@pytest.mark.parametrize("foreign", Foreign)
def test_no_traffic_at_all_is_somebody_elses_split_by_the_policy(
    make: Callable[..., Stand], foreign: Foreign
) -> None:
    """There is nothing to adopt; only `revert` sets a split again."""
    at = make(foreign)
    at.serving.set_traffic("flights", HALF, K1)
    at.others_split({"champion": 0, "challenger": 0})
    assert at.serving.traffic("flights") is None
    if foreign is Foreign.revert:
        at.serving.set_traffic("flights", BACK, K2)
        assert at.serving.traffic("flights") == BACK
    else:
        with pytest.raises(Refused, match="flights-live has no traffic, set outside"):
            at.serving.set_traffic("flights", BACK, K2)
        assert at.serving.traffic("flights") is None


# Deployments


def test_a_version_without_a_deployment_gets_one_from_the_template(
    make: Callable[..., Stand], tmp_path: Path
) -> None:
    template = tmp_path / "deployment.yaml"
    template.write_text(TEMPLATE)
    at = make(template=template)
    at.serving.set_traffic("flights", Traffic({"champion": 99, "7": 1}), K1)
    name = deployment_name("7")
    made = at.service.online.deployments[ENDPOINT, name]
    assert made["tags"][VERSION] == "7"
    assert made["properties"]["model"].endswith("/models/flights/versions/7")
    assert made["properties"]["environmentId"].endswith("/environments/scoring/versions/1")
    assert at.weights() == {"champion": 99, name: 1}
    assert at.serving.traffic("flights").weights == {"champion": 99, "7": 1}


def test_a_template_switches_the_data_collector_on(
    make: Callable[..., Stand], tmp_path: Path
) -> None:
    template = tmp_path / "deployment.yaml"
    template.write_text(TEMPLATE + COLLECTOR)
    at = make(template=template)
    at.serving.set_traffic("flights", Traffic({"v-new": 100}), K1)
    made = at.service.online.deployments[ENDPOINT, "v-new"]["properties"]["dataCollector"]
    for name, found in made["collections"].items():
        assert found["dataCollectionMode"].lower() == "enabled"
        assert found["dataId"].endswith(f"/data/{ENDPOINT}-v-new-{name}/versions/1")


@pytest.mark.parametrize(
    "content",
    [None, "instance_type: [", "environment: azureml:scoring:1\nnonsense: 1\n", "- a list\n"],
)
def test_a_template_that_says_nothing_is_refused_by_its_name(
    make: Callable[..., Stand], tmp_path: Path, content: str | None
) -> None:
    template = tmp_path / "deployment.yaml"
    if content is not None:
        template.write_text(content)
    at = make(template=template)
    with pytest.raises(Refused, match=r"deployment\.yaml: not a valid online deployment"):
        at.serving.set_traffic("flights", Traffic({"v-new": 100}), K1)
    assert not at.service.requests("PUT")


def test_a_deployment_in_the_making_is_waited_for_and_gone_on_with(
    make: Callable[..., Stand], tmp_path: Path
) -> None:
    template = tmp_path / "deployment.yaml"
    template.write_text(TEMPLATE)
    at = make(template=template, wait=timedelta(seconds=0.1))
    at.service.polls = None
    wanted = Traffic({"champion": 90, "v-new": 10})
    for _ in range(2):
        with pytest.raises(
            Unavailable, match=r"deployment v-new on flights-live.*(creating|progr)"
        ):
            at.serving.set_traffic("flights", wanted, K1)
    assert len(at.service.requests("PUT .*/deployments/v-new$")) == 1
    assert at.puts() == 0
    at.service.finish()
    at.service.polls = 0
    at.serving.set_traffic("flights", wanted, K1)
    assert at.serving.traffic("flights") == wanted


def test_a_deployment_that_failed_is_refused_by_name(at: Stand) -> None:
    found = at.service.online.deployments[ENDPOINT, "challenger"]
    found["properties"]["provisioningState"] = "Failed"
    with pytest.raises(Refused, match="deployment challenger on flights-live is failed"):
        at.serving.set_traffic("flights", CANARY, K1)
    assert at.puts() == 0


def test_a_version_that_nothing_can_deploy_is_refused(at: Stand) -> None:
    with pytest.raises(Refused, match="no deployment YAML says how"):
        at.serving.set_traffic("flights", Traffic({"champion": 90, "other": 10}), K1)


def test_a_deployment_that_was_deleted_under_us_is_refused_and_not_made_again(
    make: Callable[..., Stand], tmp_path: Path
) -> None:
    template = tmp_path / "deployment.yaml"
    template.write_text(TEMPLATE)
    at = make(template=template)
    at.serving.set_traffic("flights", CANARY, K1)
    at.others_split({"champion": 100})
    del at.service.online.deployments[ENDPOINT, "challenger"]
    with pytest.raises(Refused, match="challenger on flights-live was deleted by somebody else"):
        at.serving.set_traffic("flights", HALF, K2)
    at.serving.set_traffic("flights", ALL, K3)
    assert at.serving.traffic("flights") == ALL
    assert not at.service.requests("PUT .*/deployments/")


def test_a_deployment_of_another_name_serves_the_version_of_its_model(at: Stand) -> None:
    at.service.online.add_deployment(ENDPOINT, "blue", "flights:3")
    at.serving.set_traffic("flights", Traffic({"3": 100}), K1)
    assert at.weights() == {"blue": 100}
    assert at.serving.traffic("flights").weights == {"3": 100}


@pytest.fixture
def mapped(make: Callable[..., Stand], tmp_path: Path) -> Stand:
    """An endpoint whose deployments fleet.yaml maps, of a model that the registry names so."""
    template = tmp_path / "deployment.yml"
    template.write_text(TEMPLATE)
    deployments = {"v1": "Raw-Blue", "v2": "Raw-Green"}
    names = Names("sklearn_regression_model", deployments)
    return make(names=lambda _: names, template=template)


def test_a_mapped_version_is_served_by_its_raw_deployment(mapped: Stand) -> None:
    """Names are told in lower case: the SDK writes them so."""
    for name, version in (("raw-blue", 3), ("raw-green", 4), ("other", 5)):
        model = f"sklearn_regression_model:{version}"
        mapped.service.online.add_deployment(ENDPOINT, name, model)
    split = Traffic({"v1": 70, "v2": 20, "5": 10})
    mapped.serving.set_traffic("flights", split, K1)
    assert mapped.weights() == {"raw-blue": 70, "raw-green": 20, "other": 10}
    found = mapped.serving.traffic("flights")
    assert found.weights == split.weights
    names = {"raw-blue": "v1", "raw-green": "v2", "other": "5"}
    assert names.items() <= found.names.items()
    assert not mapped.service.requests("PUT .*/deployments/")


def test_a_mapped_version_that_is_not_there_is_deployed_under_its_raw_name(mapped: Stand) -> None:
    mapped.serving.set_traffic("flights", Traffic({"v1": 100}), K1)
    (request,) = mapped.service.requests("PUT .*/deployments/")
    assert request.path.partition("?")[0].endswith("/deployments/raw-blue")
    assert "/models/sklearn_regression_model/versions/v1" in str(request.json())
    assert mapped.serving.traffic("flights").weights == {"v1": 100}


def test_two_deployments_of_one_version_are_one_arm(at: Stand) -> None:
    at.service.online.add_deployment(ENDPOINT, "blue", "flights:challenger")
    at.others_split({"champion": 60, "challenger": 30, "blue": 10})
    assert at.serving.traffic("flights").weights == {"champion": 60, "challenger": 40}


# What goes wrong


def test_a_lost_answer_is_healed_by_a_repeat(at: Stand) -> None:
    at.service.fail(WRITE, after=True, times=9)
    with pytest.raises(Unavailable):
        at.serving.set_traffic("flights", CANARY, K1)
    at.service.faults.clear()
    at.serving.set_traffic("flights", CANARY, K1)
    before = at.puts()
    at.serving.set_traffic("flights", CANARY, K1)
    assert at.puts() == before
    assert at.serving.traffic("flights") == CANARY


@pytest.mark.parametrize("status", [500, 503])
def test_an_ailing_service_is_unavailable_and_nothing_is_written(at: Stand, status: int) -> None:
    at.service.fail(
        WRITE, answer=Response(status, {"error": {"code": "x", "message": "y"}}), times=9
    )
    with pytest.raises(Unavailable):
        at.serving.set_traffic("flights", CANARY, K1)
    at.service.faults.clear()
    at.serving.set_traffic("flights", CANARY, K1)
    assert at.serving.traffic("flights") == CANARY


def test_throttling_says_when_to_come_again(at: Stand) -> None:
    at.service.fail(WRITE, answer=Response(429, AILING, {"Retry-After": "90"}))
    with pytest.raises(Unavailable) as later:
        at.serving.set_traffic("flights", CANARY, K1)
    assert later.value.delay == timedelta(seconds=90)
    at.serving.set_traffic("flights", CANARY, K1)
    assert at.serving.traffic("flights") == CANARY


def test_an_expired_token_is_unavailable_until_there_is_another(at: Stand) -> None:
    at.serving.set_traffic("flights", CANARY, K1)
    at.service.fail("GET .*/onlineEndpoints/", answer=Response(401, AILING), times=9)
    with pytest.raises(Unavailable, match="token was rejected"):
        at.serving.set_traffic("flights", HALF, K2)
    at.service.faults.clear()
    at.serving.set_traffic("flights", HALF, K2)
    assert at.serving.traffic("flights") == HALF


def test_an_operation_that_never_ends_is_told_and_not_doubled(make: Callable[..., Stand]) -> None:
    at = make(wait=timedelta(seconds=0.1))
    at.service.polls = None
    for _ in range(3):
        with pytest.raises(Unavailable, match=r"endpoint flights-live.*(updating|progress)"):
            at.serving.set_traffic("flights", CANARY, K1)
    assert at.puts() == 1
    at.service.finish()
    at.serving.set_traffic("flights", CANARY, K1)
    assert at.puts() == 1
    assert at.serving.traffic("flights") == CANARY


def test_an_update_that_failed_is_written_again(at: Stand) -> None:
    at.serving.set_traffic("flights", CANARY, K1)
    at.endpoint()["properties"]["provisioningState"] = "Failed"
    at.serving.set_traffic("flights", CANARY, K1)
    assert at.puts() == 2


def test_another_workers_lease_keeps_us_out(at: Stand) -> None:
    other = stand(at.service, at.workspace)
    other.store._rows = at.store._rows
    inside, over = threading.Event(), threading.Event()

    def hold(*_: object) -> None:
        inside.set()
        over.wait(5)

    at.service.on_traffic = None
    at.service.fail(WRITE, delay=0.5)
    worker = threading.Thread(target=at.serving.set_traffic, args=("flights", CANARY, K1))
    worker.start()
    while not at.store.get("flights", "lease:traffic"):
        over.wait(0.01)
    with pytest.raises(Unavailable, match="another worker"):
        other.serving.set_traffic("flights", CANARY, K1)
    worker.join()
    other.serving.set_traffic("flights", CANARY, K1)
    assert at.puts() == 1


def test_a_split_that_another_wrote_last_is_noticed(at: Stand) -> None:
    def meddle(endpoint: str, traffic: dict[str, int], mirror: dict[str, int]) -> None:
        at.service.on_traffic = None
        at.endpoint()["properties"]["traffic"] = {"champion": 100}

    at.service.on_traffic = meddle
    with pytest.raises(Unavailable, match="differs from what was just written"):
        at.serving.set_traffic("flights", CANARY, K1)
    at.clock.moment += SETTLES
    with pytest.raises(Refused, match="hold"):
        at.serving.set_traffic("flights", CANARY, K1)


class Crash(BaseException):
    """The worker's process is gone."""


def crossing(at: Stand, monkeypatch: pytest.MonkeyPatch, last: int) -> list[str]:
    """Let the worker die at its `last`th crossing of a boundary: nothing crosses one any more."""
    crossed: list[str] = []

    def watched(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def through(*args: Any, **options: Any) -> Any:
            for when in ("before", "after"):
                crossed.append(f"{when} {name}")
                if len(crossed) >= last:
                    raise Crash
                if when == "before":
                    answer = call(*args, **options)
            return answer

        return through

    for owner, name in (
        (at.store, "commit"), (at.serving, "_read"), (at.serving, "_write"),
        (at.deployments, "_all"), (at.deployments, "_make"),
    ):  # fmt: skip
        monkeypatch.setattr(owner, name, watched(name, getattr(owner, name)))
    return crossed


@pytest.mark.parametrize("every", [9, pytest.param(1, marks=pytest.mark.slow)])
def test_a_worker_that_dies_anywhere_is_gone_on_for_and_nothing_is_doubled(
    make: Callable[..., Stand], tmp_path: Path, every: int
) -> None:
    template = tmp_path / "deployment.yaml"
    template.write_text(TEMPLATE)
    wanted = Traffic({"champion": 90, "v-new": 10})
    for last in range(1, 100, every):
        at = make(template=template)
        at.serving.set_traffic("flights", ALL, K1)
        with pytest.MonkeyPatch.context() as patched:
            crossed = crossing(at, patched, last)
            with suppress(Crash):
                at.serving.set_traffic("flights", wanted, K2)
        at.clock.moment += LASTS
        at.serving.set_traffic("flights", wanted, K2)
        assert at.serving.traffic("flights") == wanted
        assert at.serving.traffic("flights").foreign == ""
        assert at.puts() == 2
        assert len(at.service.requests("PUT .*/deployments/")) == 1
        if len(crossed) < last:
            break
    assert last > 20
