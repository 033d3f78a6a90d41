"""azd's hooks and the workflows: what they call, and which variables they read."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs import modes
from tests.docs.bicep import Template
from tests.docs.deployment import INFRA
from tests.docs.modes import MODES

ROOT = Path(__file__).parents[2]
#: The scripts of azd's hooks.
HOOKS = {"preup": "mode", "preprovision": "mode", "postdeploy": "postdeploy", "predown": "predown"}
SCRIPTS = sorted(set(HOOKS.values()))
AZD = {"AZURE_ENV_NAME", "AZURE_LOCATION", "AZURE_SUBSCRIPTION_ID"}
VALUES = {
    "AZURE_LOCATION": "eastus2",
    "AZURE_RESOURCE_GROUP": "rg-driftwarden-prod",
    "AZURE_SUBSCRIPTION_ID": "s",
    "AZUREML_RESOURCE_GROUP": "rg-ml",
    "DRIFTWARDEN_APP": "func-t",
    "DRIFTWARDEN_LOGS_RESOURCE_GROUP": "rg-logs",
    "DRIFTWARDEN_LOGS_TOPIC": "evgt-logs",
    "DRIFTWARDEN_PRINCIPAL_ID": "principal",
    "DRIFTWARDEN_STORAGE_ID": "/store",
    "DRIFTWARDEN_TOKEN": "t",
    "DRIFTWARDEN_WORKSPACE_TOPIC": "evgt-shop",
}
#: Writes down how it is called, and answers as the environment says.
AZ = """#!/bin/sh
echo "$*" >>"$CALLS"
case "$*" in
functionapp*) [ "$(grep -c ^functionapp "$CALLS")" -ge "${LISTED_AT:-1}" ] ;;
"lock list"*) echo "${LOCK-/store/lock}" ;;
"role assignment list"*) printf '/a/1\\n/a/2\\n' ;;
*onlineEndpoints*) printf '%b' "${ENDPOINTS-}" ;;
"resource list"*) echo "${TOPICS-/topic}" ;;
"monitor diagnostic-settings list"*) echo "${SETTING-}" ;;
*"subscription list"*) printf '%b' "${SUBSCRIBED-driftwarden-t\\n}" ;;
esac
"""


def asked() -> set[str]:
    """Variables that the parameter files read."""
    files = sorted(INFRA.glob("*.bicepparam"))
    return {
        name
        for file in files
        for name in re.findall(r"readEnvironmentVariable\('(\w+)'", file.read_text())
    }


def run(folder: Path, hook: str, **values: str) -> tuple[int, list[str], str]:
    """The exit code of a hook, its calls of az, and its standard error."""
    for name, script in (("az", AZ), ("sleep", "#!/bin/sh\n")):
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    calls = folder / "calls"
    calls.touch()
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", str(INFRA / "hooks" / f"{hook}.sh")],
        cwd=folder,
        env={**VALUES, "CALLS": str(calls), "PATH": path, **values},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, calls.read_text().splitlines(), done.stderr


def test_azd_finds_the_app_and_the_hooks() -> None:
    document = yaml.safe_load((ROOT / "azure.yaml").read_text())
    assert document["name"] == "driftwarden"
    # Older versions delete the groups of the workspace and of the logs.
    assert document["requiredVersions"] == {"azd": ">= 1.24.1"}
    assert document["services"] == {
        "app": {"project": ".", "language": "python", "host": "function"}
    }
    assert "{ 'azd-service-name': 'app' }" in (INFRA / "modules" / "app.bicep").read_text()
    # azd up reads the parameters before preprovision, and azd provision does not run preup.
    assert tuple(document["hooks"]) == tuple(HOOKS)
    for name, hook in document["hooks"].items():
        assert hook == {
            "posix": {"shell": "sh", "run": f"infra/hooks/{HOOKS[name]}.sh"},
            "windows": {"shell": "pwsh", "run": f"infra/hooks/{HOOKS[name]}.ps1"},
        }
        assert os.access(INFRA / "hooks" / f"{HOOKS[name]}.sh", os.X_OK)
    assert {path.stem for path in (INFRA / "hooks").iterdir()} == set(SCRIPTS)


@pytest.mark.parametrize("hook", SCRIPTS)
def test_a_hook_reads_what_is_set_and_calls_the_same_on_windows(hook: str) -> None:
    posix, windows = ((INFRA / "hooks" / f"{hook}.{end}").read_text() for end in ("sh", "ps1"))
    read = set(re.findall(r"\$\{?([A-Z_]{4,})", posix))
    outputs = Template(INFRA / "main.bicep").outputs.keys()
    assert read <= outputs | asked() | AZD | {"DRIFTWARDEN_MODE"}
    assert set(re.findall(r"\$env:([A-Z_]+)", windows)) == read
    verbs = r"\baz ((?:[a-z-]+ )+?)(?=--|`|\\)"
    assert re.findall(verbs, windows) == re.findall(verbs, posix)


def test_the_outputs_tell_what_the_subscriptions_need_and_no_foreign_group() -> None:
    source = (INFRA / "subscriptions.bicepparam").read_text()
    outputs, own = source.split("// Set by the operator.")
    made = Template(INFRA / "main.bicep").outputs.keys()
    assert set(re.findall(r"readEnvironmentVariable\('(\w+)'", outputs)) <= made
    assert set(re.findall(r"readEnvironmentVariable\('(\w+)'", own)).isdisjoint(made)
    for mode in MODES:
        for name, value in modes.plan(mode).outputs.items():
            # azd takes the groups that outputs name for those of the environment.
            assert not set(modes.FOREIGN) & {value, *str(value).split("/")}, name


@pytest.mark.parametrize("mode", MODES)
def test_the_mode_chooses_the_parameters(tmp_path: Path, mode: str) -> None:
    (tmp_path / "infra").mkdir()
    for file in INFRA.glob("*.bicepparam"):
        shutil.copy(file, tmp_path / "infra")
    code, _, _ = run(tmp_path, "mode", DRIFTWARDEN_MODE=mode)
    assert code == 0
    chosen = (tmp_path / "infra" / "main.bicepparam").read_text()
    assert chosen == (INFRA / f"{mode}.bicepparam").read_text()
    assert "infra/main.bicepparam" in (ROOT / ".gitignore").read_text()


@pytest.mark.parametrize("mode", ["public", "subscriptions", "main", "../private", "PRIVATE"])
def test_another_mode_is_refused_in_one_line(tmp_path: Path, mode: str) -> None:
    code, _, said = run(tmp_path, "mode", DRIFTWARDEN_MODE=mode)
    assert code == 1
    assert said.startswith(f"DRIFTWARDEN_MODE is {mode}: set it to ")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("delivery", "listed_at", "shown", "subscribed", "code"),
    [
        ("none", 1, 0, 0, 0),
        ("queue", 1, 0, 1, 0),
        ("function", 1, 1, 1, 0),
        ("function", 4, 4, 1, 0),
        ("function", 31, 30, 0, 1),
    ],
)
def test_subscriptions_follow_the_function(
    tmp_path: Path, delivery: str, listed_at: int, shown: int, subscribed: int, code: int
) -> None:
    found, calls, said = run(
        tmp_path, "postdeploy", DRIFTWARDEN_DELIVERY=delivery, LISTED_AT=str(listed_at)
    )
    assert found == code
    assert [call.split()[0] for call in calls] == ["functionapp"] * shown + [
        "deployment"
    ] * subscribed
    if subscribed:
        assert "--name driftwarden-subscriptions-t " in calls[-1]
        assert calls[-1].endswith("--parameters infra/subscriptions.bicepparam")
    assert ("does not list its function ingest" in said) == bool(code)


def verbs(calls: list[str]) -> list[str]:
    return [call.partition(" --")[0] for call in calls if " delete" in call]


LOCK, ROLE = "lock delete", "role assignment delete"
SUBSCRIPTION = "eventgrid system-topic event-subscription delete"
TOPIC = "eventgrid system-topic delete"
SETTING = "monitor diagnostic-settings delete"


@pytest.mark.parametrize(
    ("values", "deleted"),
    [
        ({}, [LOCK, ROLE, ROLE, SUBSCRIPTION, TOPIC, SUBSCRIPTION, TOPIC]),
        ({"LOCK": ""}, [ROLE, ROLE, SUBSCRIPTION, TOPIC, SUBSCRIPTION, TOPIC]),
        (
            {"SUBSCRIBED": r"driftwarden-u\nother\ndriftwarden-t\n"},
            [LOCK, ROLE, ROLE] + [SUBSCRIPTION] * 2,
        ),
        ({"SUBSCRIBED": r"driftwarden-u\n"}, [LOCK, ROLE, ROLE]),
        ({"SUBSCRIBED": ""}, [LOCK, ROLE, ROLE, TOPIC, TOPIC]),
        ({"SUBSCRIBED": "", "DRIFTWARDEN_DELIVERY": "none"}, [LOCK, ROLE, ROLE]),
        ({"TOPICS": ""}, [LOCK, ROLE, ROLE]),
        (
            {"AZUREML_SYSTEM_TOPIC": "theirs"},
            [LOCK, ROLE, ROLE, SUBSCRIPTION, TOPIC, SUBSCRIPTION],
        ),
        (
            {"AZUREML_SYSTEM_TOPIC": "theirs", "DRIFTWARDEN_LOGS_SYSTEM_TOPIC": "theirs"},
            [LOCK, ROLE, ROLE, SUBSCRIPTION, SUBSCRIPTION],
        ),
        ({"ENDPOINTS": r"/e/1\n/e/2\n", "TOPICS": ""}, [LOCK, ROLE, ROLE]),
        (
            {"ENDPOINTS": r"/e/1\n/e/2\n", "SETTING": "driftwarden-t", "TOPICS": ""},
            [LOCK, ROLE, ROLE, SETTING, SETTING],
        ),
        (
            {"SETTING": "driftwarden-t"},
            [LOCK, ROLE, ROLE] + [SETTING, SUBSCRIPTION, TOPIC] * 2,
        ),
    ],
)
def test_removal_begins_with_the_lock_and_leaves_what_others_use(
    tmp_path: Path, values: dict[str, str], deleted: list[str]
) -> None:
    code, calls, _ = run(tmp_path, "predown", **{"DRIFTWARDEN_DELIVERY": "function", **values})
    assert code == 0
    assert verbs(calls) == deleted
    assert all("--name driftwarden-t" in call for call in calls if SUBSCRIPTION in call)
    assert not [call for call in calls if call.startswith("group")]


CENTRAL = "/subscriptions/c/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w"


@pytest.mark.parametrize(
    ("values", "listed"),
    [
        ({}, [("app", "s")]),
        ({"DRIFTWARDEN_WATCHDOG_PRINCIPAL_ID": "rules"}, [("app", "s"), ("rules", "s")]),
        ({"DRIFTWARDEN_LOG_ANALYTICS_RESOURCE_ID": CENTRAL}, [("app", "c"), ("app", "s")]),
        ({"DRIFTWARDEN_LOG_ANALYTICS_RESOURCE_ID": CENTRAL.replace("/c/", "/s/")}, [("app", "s")]),
        (
            {
                "DRIFTWARDEN_LOG_ANALYTICS_RESOURCE_ID": CENTRAL,
                "DRIFTWARDEN_WATCHDOG_PRINCIPAL_ID": "rules",
            },
            [("app", "c"), ("rules", "c"), ("app", "s"), ("rules", "s")],
        ),
    ],
)
def test_removal_takes_the_roles_of_both_identities_from_every_subscription(
    tmp_path: Path, values: dict[str, str], listed: list[tuple[str, str]]
) -> None:
    given = {"DRIFTWARDEN_DELIVERY": "none", "DRIFTWARDEN_PRINCIPAL_ID": "app", **values}
    code, calls, _ = run(tmp_path, "predown", **given)
    assert code == 0
    found = [call.split() for call in calls if call.startswith("role assignment list")]
    assert [(one[one.index("--assignee") + 1], one[one.index("--subscription") + 1])
            for one in found] == listed  # fmt: skip
    assert verbs(calls).count(ROLE) == 2 * len(listed)


def test_the_page_names_every_variable_and_its_commands_are_shell() -> None:
    page = (ROOT / "docs" / "azure.md").read_text(encoding="utf-8")
    outputs = Template(INFRA / "main.bicep").outputs.keys()
    unnamed = {name for name in asked() - outputs - AZD if name not in page}
    assert unnamed == set()
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 6
    script = "\n".join(textwrap.dedent(block) for block in blocks)
    done = subprocess.run(["sh", "-n"], input=script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for name in re.findall(r"azd env set ([A-Z_]+)", page):
        assert name in asked() | {"DRIFTWARDEN_MODE"}
    for name in re.findall(r"azd env get-value ([A-Z_]+)", page):
        assert name in outputs | asked()


def workflow(name: str) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(
        (ROOT / ".github" / "workflows" / f"{name}.yml").read_text()
    )
    return found


def test_ci_compiles_every_template_with_every_variable_that_must_be_set() -> None:
    (step,) = [one for one in workflow("ci")["jobs"]["infra"]["steps"] if "env" in one]
    for command in ("bicep build ", "bicep lint", "bicep build-params"):
        assert command in step["run"]
    needed = {
        name
        for file in sorted(INFRA.glob("*.bicepparam"))
        for name in re.findall(r"readEnvironmentVariable\('(\w+)'\)", file.read_text())
    }
    assert needed | {"DRIFTWARDEN_SIGN_IN_CLIENT_ID"} == step["env"].keys()


def test_a_deployment_begins_with_what_if_and_signs_in_without_a_secret() -> None:
    found = workflow("deploy")
    assert found["permissions"]["id-token"] == "write"
    assert found["jobs"]["deploy"]["needs"] == "what-if"
    assert found["jobs"]["deploy"]["environment"] == "production"
    assert "client-secret" not in str(found)
    # The addresses of webhooks hold tokens, and the settings may hold secrets.
    assert set(re.findall(r"secrets\.(\w+)", str(found))) == {
        "DRIFTWARDEN_APP_SETTINGS",
        "DRIFTWARDEN_PAGE_WEBHOOK",
        "DRIFTWARDEN_TICKET_WEBHOOK",
    }
    outputs = Template(INFRA / "main.bicep").outputs.keys()
    read = asked() - outputs | {"DRIFTWARDEN_MODE", "AZURE_SUBSCRIPTION_ID"}
    assert read <= found["env"].keys() | outputs
    assert found["env"].keys() <= read | outputs
