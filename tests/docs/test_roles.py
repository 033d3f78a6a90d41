"""Least privilege: every SDK call has its role, every role its assignment, and none is to spare."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.docs import sdk
from tests.docs.bicep import Template, properties, text
from tests.docs.modes import MODES, plan

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
TABLE = json.loads((INFRA / "roles.json").read_text())
NEEDS: list[dict[str, Any]] = TABLE["needs"]
CALLS = [one for one in NEEDS if "client" in one]
PAIRS = {(one["role"], one["on"]) for one in NEEDS if one["role"]}
EVENT_GRID = {
    "eventGridDataSender", "storageQueueDataMessageSender", "storageBlobDataContributor",
}  # fmt: skip
#: Which place in the templates a need's `on` is, in words.
PLACES = {
    "roles-app/storage": "storage account of the app",
    "roles-app/vault": "key vault of the app",
    "roles-publisher/topic": "topic of the app",
    "roles-app/insights": "Application Insights",
    "roles-analytics/analytics": "Log Analytics workspace",
    "roles-watchdog/analytics": "Log Analytics workspace",
    "roles-logs/account::blobs::logs": "container of the logs",
    "roles-workspace/workspace": "Azure Machine Learning workspace",
    "roles-workspace/resourceGroup()": "resource group of that workspace",
    "roles-topic/account::queues::events": "queue `events`",
    "roles-topic/account::blobs::deadletter": "container `deadletter`",
}


def found_calls() -> dict[str, list[str]]:
    """Where each SDK method is called, by its name."""
    names: set[str] = set()
    for one in CALLS:
        names |= sdk.methods(one["client"])
    found: dict[str, list[str]] = {}
    for name, where in sdk.calls(ROOT / "hosts" / "azure", names):
        found.setdefault(name, []).append(where)
    return found


def assignments() -> list[tuple[str, str]]:
    """(role, place) of every role assignment of the templates."""
    found = []
    for path in sorted((INFRA / "modules").glob("*.bicep")):
        for one in Template(path).resources:
            if one.of.startswith("Microsoft.Authorization/roleAssignments@"):
                fields = properties(properties(one.body)["properties"])
                named = re.findall(r"roles\.(\w+)\.id", text(fields["roleDefinitionId"]))
                assert len(named) == 1, path.name
                assert f"roles.{named[0]}.id" in text(properties(one.body)["name"])
                assert text(fields["principalType"]) == "ServicePrincipal"
                scope = text(properties(one.body)["scope"])
                found.append((named[0], f"{path.stem}/{scope}"))
    return found


def test_the_table_names_methods_that_the_clients_have() -> None:
    for one in CALLS:
        assert set(one["calls"]) <= sdk.methods(one["client"]), one["client"]
        assert one["calls"] == sorted(one["calls"])


def test_every_call_is_in_the_table_and_nothing_else() -> None:
    listed = {name for one in CALLS for name in one["calls"]}
    found = found_calls()
    unlisted = {name: where for name, where in found.items() if name not in listed}
    assert unlisted == {}, "add them to infra/roles.json"
    assert listed - found.keys() == set(), "infra/roles.json lists what nobody calls"


def test_every_need_is_granted_and_nothing_else() -> None:
    granted = assignments()
    assert len(granted) == len(set(granted))
    assert set(granted) == PAIRS
    assert {role for role, _ in PAIRS} == TABLE["definitions"].keys()
    assert {place for _, place in PAIRS} == PLACES.keys()


@pytest.mark.parametrize("mode", MODES)
def test_a_mode_grants_what_it_needs_and_nothing_else(mode: str) -> None:
    """Event Grid's roles only where it is used, the queue's only where it delivers there."""
    ids = {one["id"]: key for key, one in TABLE["definitions"].items()}
    granted = {
        (ids[one.fields["properties"]["roleDefinitionId"].rpartition("/")[2]], one.place)
        for one in plan(mode).of("Microsoft.Authorization/roleAssignments")
    }
    spared = {
        "public-events": {"storageQueueDataMessageSender"},
        "poll-only": EVENT_GRID,
        "private": EVENT_GRID,
        "private-events": set(),
    }[mode]
    assert granted == {(role, place) for role, place in PAIRS if role not in spared}


def test_a_need_of_the_platform_has_its_source() -> None:
    for one in NEEDS:
        assert ("client" in one) != ("source" in one), one
        assert one["role"] is None or one["role"] in TABLE["definitions"], one


def test_role_definitions_are_named_as_azure_names_them() -> None:
    identifiers = [one["id"] for one in TABLE["definitions"].values()]
    assert len(set(identifiers)) == len(identifiers)
    for key, one in TABLE["definitions"].items():
        assert one["name"].replace(" ", "").lower() == key.lower()


def test_the_roles_stand_in_the_documentation() -> None:
    page = (ROOT / "docs" / "azure.md").read_text(encoding="utf-8")
    section = page.split("\n## Roles\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|", section, re.MULTILINE)
    told = {(role.strip(), place.strip()) for role, place in rows[1:]}
    names = {key: one["name"] for key, one in TABLE["definitions"].items()}
    assert told == {(names[role], PLACES[place]) for role, place in PAIRS}


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ("self._table.submit_transaction(x)", True),
        ("client.jobs.get(x)", True),
        ("operations().get(x)", True),
        ("getattr(client, name).list(x)", False),
        ("self._kind.operations(client).list(x)", True),
        ("settings.get(x)", False),
        ("found.list(x)", False),
    ],
)
def test_a_call_is_told_from_one_of_a_mapping(tmp_path: Path, line: str, counts: bool) -> None:
    (tmp_path / "module.py").write_text(line)
    names = {"submit_transaction", "get", "list"}
    assert bool(list(sdk.calls(tmp_path, names))) == counts
