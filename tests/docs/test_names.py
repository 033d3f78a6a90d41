"""Names: short enough at their longest, and without a collision in groups that others share."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs import modes
from tests.docs.deployment import Plan
from tests.docs.modes import EVENTS, FOREIGN, MODES

ROOT = Path(__file__).parents[2]
#: The longest names that a parameter or Azure allows (Microsoft Learn, Naming rules).
LONGEST = {
    "AZURE_ENV_NAME": "E" * 40,
    "AZUREML_WORKSPACE_NAME": "w" * 33,
    "AZUREML_RESOURCE_GROUP": "g" * 90,
    "DRIFTWARDEN_LOGS_ACCOUNT": "a" * 24,
    "DRIFTWARDEN_LOGS_RESOURCE_GROUP": "h" * 90,
}
DEPLOYMENTS = "Microsoft.Resources/deployments"
#: Names of parts that Azure or the code gives; they do not come from a parameter.
FIXED = (
    "/blobServices", "/containers", "/queueServices", "/queues", "/tableServices", "/tables",
    "/managementPolicies", "/config", "/basicPublishingCredentialsPolicies",
    "/privateDnsZoneGroups", "/virtualNetworkLinks", "/privateDnsZones", "/roleAssignments",
    "/locks",
)  # fmt: skip


def table() -> dict[str, tuple[int, int, int]]:
    """Shortest and longest allowed, and longest possible name, by type, from docs/azure.md."""
    page = (ROOT / "docs" / "azure.md").read_text(encoding="utf-8")
    section = page.split("\n## Names\n")[1].split("\n## ")[0]
    rows = re.findall(
        r"^\| `([\w./]+)` \| [^|]+ \| (\d+)–(\d+) \| (\d+) \|$", section, re.MULTILINE
    )
    return {kind: (int(low), int(high), int(most)) for kind, low, high, most in rows}


def names(made: Plan) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in made.resources:
        if not one.kind.endswith(FIXED) and not one.kind.startswith("Microsoft.Insights/"):
            found.setdefault(one.kind, set()).add(one.name)
    found["Microsoft.Insights/components"] = {
        one.name for one in made.of("Microsoft.Insights/components")
    }
    found[DEPLOYMENTS] = {name for name, _ in made.deployments}
    return found


def test_the_longest_possible_name_is_allowed() -> None:
    longest: dict[str, int] = {}
    for mode in MODES:
        made = modes.with_changes(mode, LONGEST)
        for plan in (made, modes.subscriptions(made, LONGEST)):
            for kind, found in names(plan).items():
                longest[kind] = max([longest.get(kind, 0), *map(len, found)])
    (hook,) = re.findall(
        r'--name "(driftwarden-subscriptions-)\$DRIFTWARDEN_TOKEN"',
        (ROOT / "infra" / "hooks" / "postdeploy.sh").read_text(),
    )
    assert len(hook) + len(made.outputs["DRIFTWARDEN_TOKEN"]) <= longest[DEPLOYMENTS]
    told = table()
    assert {kind: most for kind, (_, _, most) in told.items()} == longest
    for kind, (low, high, most) in told.items():
        assert low <= most <= high, kind


def test_names_have_the_characters_that_are_allowed() -> None:
    changes = {"AZUREML_WORKSPACE_NAME": "My_Workspace_1"}
    for mode in EVENTS:
        made = modes.with_changes(mode, changes)
        after = modes.subscriptions(made, changes)
        for one in made.of("Microsoft.EventGrid/systemTopics"):
            assert re.fullmatch(r"[a-zA-Z0-9-]{3,50}", one.name)
        for one in after.resources:
            assert re.fullmatch(r"[a-zA-Z0-9-]{3,64}", one.name)
        for one in made.of("Microsoft.Storage/storageAccounts/queueServices/queues"):
            assert re.fullmatch(r"[a-z0-9](-?[a-z0-9])*", one.name)
        for one in made.of("Microsoft.Storage/storageAccounts"):
            assert re.fullmatch(r"[a-z0-9]{3,24}", one.name)
        for one in made.of("Microsoft.KeyVault/vaults"):
            assert re.fullmatch(r"[a-z](-?[a-z0-9])*", one.name)


@pytest.mark.parametrize("mode", MODES)
def test_every_name_in_a_foreign_group_carries_the_token(mode: str) -> None:
    """But that of a source's topic, which a source has one of, and which environments share."""
    made = modes.plan(mode)
    token = made.outputs["DRIFTWARDEN_TOKEN"]
    for plan in (made, modes.subscriptions(made)):
        for name, group in plan.deployments:
            assert group not in FOREIGN or token in name
        for one in plan.resources:
            if one.group in FOREIGN and not one.kind.endswith(
                ("/roleAssignments", "/systemTopics")
            ):
                assert token in one.name, one


@pytest.mark.parametrize("mode", MODES)
def test_two_environments_share_nothing_but_the_topics_of_the_sources(mode: str) -> None:
    def all_of(made: Plan) -> set[tuple[str, str]]:
        after = modes.subscriptions(made)
        both = [*made.resources, *after.resources]
        foreign = {(one.kind, one.name) for one in both if one.group in FOREIGN}
        deployments = [*made.deployments, *after.deployments]
        return foreign | {("deployment", name) for name, group in deployments if group in FOREIGN}

    first, second = modes.plan(mode), modes.with_changes(mode, {"AZURE_ENV_NAME": "test"})
    shared = all_of(first) & all_of(second)
    topics = {("Microsoft.EventGrid/systemTopics", f"evgt-{name}") for name in ("shop", "shoplogs")}
    assert shared == (topics if mode in EVENTS else set())
    tagged = [
        [one.fields for one in made.of("Microsoft.EventGrid/systemTopics")]
        for made in (first, second)
    ]
    assert str(tagged[0]) == str(tagged[1])


@pytest.mark.parametrize(
    "changes",
    [
        {"AZURE_ENV_NAME": "Prod"},
        {"AZURE_ENV_NAME": "PROD"},
        {"AZURE_LOCATION": "EastUS2"},
        {"AZUREML_RESOURCE_GROUP": "RG-ML"},
        {"DRIFTWARDEN_LOGS_RESOURCE_GROUP": "rg-LOGS"},
        {"AZUREML_WORKSPACE_NAME": "Shop"},
    ],
)
def test_capitals_make_no_other_name(changes: dict[str, str]) -> None:
    """Azure takes ids of any capitals for the same; another name would be a second assignment."""

    def lowered(made: Plan) -> list[tuple[str, str]]:
        after = modes.subscriptions(made, changes)
        both = [*made.resources, *after.resources]
        return [(one.group.lower(), one.name.lower()) for one in both]

    assert lowered(modes.with_changes("private-events", changes)) == lowered(
        modes.plan("private-events")
    )


def test_what_if_can_evaluate_every_name() -> None:
    """A name that comes from a module's output is not known to it."""
    for mode in MODES:
        made = modes.plan(mode)
        for name in [one.name for one in made.resources] + [name for name, _ in made.deployments]:
            assert ".outputs." not in name, name
        for one in made.of("Microsoft.Authorization/roleAssignments"):
            assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", one.name)


def test_every_guid_and_unique_string_is_lowered() -> None:
    found = 0
    for path in sorted((ROOT / "infra").rglob("*.bicep")):
        for said in re.findall(r"\b(?:guid|uniqueString)\((.*)\)$", path.read_text(), re.MULTILINE):
            found += 1
            for part in re.findall(r"(?:^|, )(?=(.*?)(?:, |$))", said):
                assert part.startswith("toLower(") or re.fullmatch(
                    r"identityName|roles\.\w+\.id", part
                ), f"{path.name}: {part}"
    assert found >= 9
