from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hosts.azure.ml.deployments import VERSION, Names, deployment_name, state_of, version_of
from retrain.registry import VERSION as LEGAL

versions = st.from_regex(LEGAL, fullmatch=True)
#: Versions that are likely to meet: few letters, cases, marks, and names that we made ourselves.
alike = st.one_of(
    st.text("aA1._-", min_size=1, max_size=4).filter(LEGAL.fullmatch),
    versions.map(deployment_name),
    versions,
)


@settings(deadline=None, max_examples=60)
@given(versions)
def test_every_version_has_a_name_that_azure_takes(version: str) -> None:
    name = deployment_name(version)
    assert 3 <= len(name) <= 32
    assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name)
    assert deployment_name(version) == name


@settings(deadline=None, max_examples=60)
@given(st.lists(alike, min_size=2, max_size=12, unique=True))
def test_no_two_versions_share_a_name(found: list[str]) -> None:
    assert len({deployment_name(version) for version in found}) == len(found)


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("flights-2013-06", "flights-2013-06"),
        ("v2", "v2-fb04dcb697"),
        ("2013.06", "v2013-06-7dbb82aaa8"),
        ("A" * 63, "aaaaaaaaaaaaaaaaaaaaa-"),
    ],
)
def test_names_can_be_read(version: str, name: str) -> None:
    assert deployment_name(version).startswith(name[:22])


def test_a_tag_says_the_version_before_the_model_and_the_name() -> None:
    where = "/subscriptions/s/resourceGroups/r/providers/p/workspaces/w/models/flights/versions/3"
    flights, flight = Names("flights"), Names("flight")
    assert version_of(SimpleNamespace(name="b", tags={VERSION: "9"}, model=where), flights) == "9"
    assert version_of(SimpleNamespace(name="b", tags=None, model=where), flights) == "3"
    assert version_of(SimpleNamespace(name="b", tags={}, model="azureml:flights:4"), flights) == "4"
    assert version_of(SimpleNamespace(name="b", tags={}, model=where), flight) == "b"
    assert version_of(SimpleNamespace(name="b", tags={}, model=None), flights) == "b"


@pytest.mark.parametrize(
    ("name", "tags", "model", "version"),
    [
        ("Raw_Blue", {}, None, "v1"),
        ("raw_blue", {VERSION: "9"}, None, "v1"),
        ("RAW_GREEN", {}, "azureml:sklearn_regression_model:4", "v2"),
        ("other", {}, "azureml:sklearn_regression_model:4", "4"),
        ("other", {}, "azureml:regression:4", "other"),
        ("v1", {}, None, "v1"),
    ],
)
def test_fleet_yaml_says_first_which_version_a_deployment_holds(
    name: str, tags: dict[str, str], model: str | None, version: str
) -> None:
    names = Names("sklearn_regression_model", {"v1": "Raw_Blue", "v2": "raw_green"})
    found = SimpleNamespace(name=name, tags=tags, model=model)
    assert version_of(found, names) == version


def test_a_version_that_is_mapped_is_deployed_under_its_raw_name() -> None:
    names = Names("m", {"v1": "Raw_Blue"})
    assert (names.of("v1"), names.of("7")) == ("Raw_Blue", deployment_name("7"))


def test_a_resource_without_a_state_says_nothing() -> None:
    assert state_of(None) == ""
    assert state_of(SimpleNamespace(provisioning_state="Succeeded")) == "succeeded"
