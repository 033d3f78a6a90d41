"""The deployment: templates that fit together, settings and alert rules that the code knows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import function_app
from fleet.instruments import METRICS, Instrument
from hosts.azure import settings
from hosts.azure.host import DUE_QUEUE, LATE_QUEUE, REFUSED_QUEUE
from hosts.azure.storage.connection import Connection
from hosts.azure.storage.queues import poison_name
from tests.docs import bicep
from tests.docs.bicep import Template, properties, text, walk
from tests.resources.kql.parser import running

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
TEMPLATES = {
    path.relative_to(INFRA).as_posix(): Template(path) for path in sorted(INFRA.rglob("*.bicep"))
}
#: Settings that the platform or a package reads, and why each is there.
PLATFORM = {
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "the Functions host's own telemetry by identity",
    "AzureWebJobsDisableHomepage": "GET / is our page",
    "AzureWebJobsStorage__accountName": "the Functions host's store, and ours",
    "DO_NOT_TRACK": "Evidently asks",
    "DRIFTWARDEN_FLEET": "function_app.py",
}
WATCHED = {
    "driftwarden.heartbeat", "driftwarden.effects.oldest", "driftwarden.events.refused",
    "driftwarden.queue.poison", "driftwarden.partition.halted",
    "driftwarden.receivers.unreachable",
}  # fmt: skip

COMMON = {"TimeGenerated": "datetime", "Name": "string", "Properties": "dynamic"}
FAILED = {**COMMON, "OperationId": "string", "Success": "bool"}
#: Columns that the queries use (Azure Monitor Logs reference, one page for each table).
TABLES = {
    "AppMetrics": {**COMMON, "Sum": "real", "ItemCount": "int", "Min": "real", "Max": "real"},
    "AppRequests": FAILED,
    "AppDependencies": FAILED,
    "AppExceptions": {
        "TimeGenerated": "datetime", "Properties": "dynamic", "OperationId": "string",
        "SeverityLevel": "int", "OuterMessage": "string",
    },
    "AppTraces": {
        "TimeGenerated": "datetime", "Properties": "dynamic", "OperationId": "string",
        "SeverityLevel": "int", "Message": "string",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_bicep_and_uses_what_it_declares(name: str) -> None:
    template = TEMPLATES[name]
    assert template.errors == []
    symbols = {one.symbol for one in [*template.resources, *template.modules]}
    declared = template.params.keys() | template.variables
    known = declared | symbols | template.loops | bicep.BUILT_IN
    assert template.used <= known, template.used - known
    assert declared <= template.used, declared - template.used
    for resource in template.resources:
        assert re.fullmatch(r"(Microsoft\.[\w./]+@\d{4}-\d\d-\d\d|\w+)", resource.of), resource.of


def calls() -> Iterator[tuple[Template, bicep.Declared, Template]]:
    for template in TEMPLATES.values():
        for module in template.modules:
            path = (template.path.parent / module.of).resolve()
            assert path.is_file(), module.of
            yield template, module, TEMPLATES[path.relative_to(INFRA).as_posix()]


def test_modules_get_the_parameters_that_they_declare() -> None:
    used = {"main.bicep", "subscriptions.bicep"}
    for template, module, called in calls():
        given = properties(properties(module.body)["params"]).keys()
        where = f"{template.path.name}: {module.symbol}"
        assert given <= called.params.keys(), (where, given - called.params.keys())
        needed = {name for name, required in called.params.items() if required}
        assert needed <= given, (where, needed - given)
        used.add(called.path.relative_to(INFRA).as_posix())
    assert used == TEMPLATES.keys()


def test_outputs_that_are_used_exist() -> None:
    for template, module, called in calls():
        pattern = rf"\b{module.symbol}\.outputs\.(\w+)"
        found = set(re.findall(pattern, text(template.root)))
        assert found <= called.outputs.keys(), (module.symbol, found - called.outputs.keys())


def test_every_parameter_comes_from_the_environment() -> None:
    given = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
    assert given.keys() == TEMPLATES["main.bicep"].params.keys()
    for name, required in TEMPLATES["main.bicep"].params.items():
        form = r"\$\{[A-Z_]+\}" if required else r"\$\{[A-Z_]+=\}"
        assert re.fullmatch(form, given[name]["value"]), name


def test_azd_finds_the_app_and_the_hook_passes_what_is_needed() -> None:
    document = yaml.safe_load((ROOT / "azure.yaml").read_text())
    assert document["name"] == "driftwarden"
    assert document["services"] == {
        "app": {"project": ".", "language": "python", "host": "function"}
    }
    assert "{ 'azd-service-name': 'app' }" in text(TEMPLATES["modules/app.bicep"].root)
    needed = TEMPLATES["subscriptions.bicep"].params.keys()
    answers = TEMPLATES["main.bicep"].outputs.keys()
    parameters = (INFRA / "main.parameters.json").read_text()
    azd = {"AZURE_ENV_NAME", "AZURE_LOCATION", "AZURE_SUBSCRIPTION_ID"}
    for shell, mark in (("posix", r"\$"), ("windows", r"\$env:")):
        script = document["hooks"]["postdeploy"][shell]["run"]
        assert set(re.findall(r"(\w+)=\"", script)) == needed
        named = set(re.findall(rf"{mark}([A-Z_]+)", script))
        asked = set(re.findall(r"\$\{([A-Z_]+)", parameters))
        assert named <= answers | asked | azd, named - answers - asked - azd


def given_settings() -> set[str]:
    (app,) = [one for one in TEMPLATES["main.bicep"].modules if one.of == "modules/app.bicep"]
    return set(properties(properties(properties(app.body)["params"])["settings"]))


def test_every_setting_that_the_code_reads_is_given_and_the_other_way_round() -> None:
    """Given by the template, or told of as optional; the template gives nothing else."""
    page = (ROOT / "docs" / "azure.md").read_text(encoding="utf-8")
    section = page.split("\n## Optional settings\n")[1].split("\n## ")[0]
    optional = set(re.findall(r"^\| `([A-Z_]+)` \|", section, re.MULTILINE))
    given, read = given_settings(), set(settings.SETTINGS) - {settings.LOGS}
    assert read - given == optional - {settings.AUTHORITY}
    logs = {name for name in given if name.startswith(f"{settings.LOGS}__")}
    assert logs == {f"{settings.LOGS}__blobServiceUri"}
    assert given - read - logs == PLATFORM.keys()
    # Flex Consumption refuses these; the runtime stands in functionAppConfig.
    assert not given & {"FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_EXTENSION_VERSION"}


def test_the_given_settings_are_understood() -> None:
    values = dict.fromkeys(given_settings(), "name")
    values[f"{settings.LOGS}__blobServiceUri"] = "https://logs.blob.core.windows.net/"
    found = settings.Settings.read(values)
    assert all([found.subscription, found.workspace, found.topic, found.analytics])
    for name in (settings.LOGS, "AzureWebJobsStorage"):
        assert Connection.read(name, values)


def test_the_store_has_what_the_code_opens() -> None:
    source = text(TEMPLATES["modules/storage.bicep"].root)
    host = json.loads((ROOT / "host.json").read_text())
    assert host["extensions"]["http"]["routePrefix"] == ""
    for name in (DUE_QUEUE, poison_name(DUE_QUEUE), REFUSED_QUEUE, LATE_QUEUE):
        assert f"'{name}'" in source
    for rule in ("allowSharedKeyAccess: false", "allowBlobPublicAccess: false", "'TLS1_2'"):
        assert rule in source
    (site,) = [one for one in TEMPLATES["modules/app.bicep"].resources if "/sites@" in one.of]
    config = properties(properties(properties(site.body)["properties"])["functionAppConfig"])
    assert text(properties(config["runtime"])["name"]) == "python"
    assert text(properties(config["runtime"])["version"]) in ("3.11", "3.12", "3.13")


def rules() -> list[dict[str, str]]:
    """The log alert rules as the template lists them."""
    (declared,) = [
        one
        for one in walk(TEMPLATES["modules/watchdog.bicep"].root)
        if one.type == "variable_declaration"
    ]
    objects = [one for one in walk(declared) if one.type == "object"]
    return [{name: text(value) for name, value in properties(one).items()} for one in objects]


def test_the_watchdog_watches_metrics_that_are_measured() -> None:
    watched = {}
    for rule in rules():
        (name,) = re.findall(r'Name == "([\w.]+)"', rule["query"])
        watched[name] = rule
        metric = METRICS[name]
        assert (rule["perModel"] == "true") == ("model" in metric.attributes)
        assert ("extend model" in rule["query"]) == ("model" in metric.attributes)
        adds_up = {"Count", "Total"} if metric.instrument is Instrument.COUNTER else {"Maximum"}
        assert rule["aggregation"] in adds_up
    assert watched.keys() == WATCHED
    assert watched["driftwarden.heartbeat"]["operator"] == "LessThan"


def test_queries_stand_before_the_parser() -> None:
    page = (ROOT / "docs" / "azure.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```kusto\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert shown
    with running(TABLES) as parser:
        for rule in rules():
            found = parser.parse(rule["query"])
            assert found.diagnostics == [], rule["name"]
            assert "Sum:real" in found.columns
            assert ("model:string" in found.columns) == (rule["perModel"] == "true")
        for query in shown:
            assert parser.parse(query).diagnostics == [], query


def test_what_is_subscribed_is_what_the_code_reads() -> None:
    source = (ROOT / "fleet" / "events.py").read_text(encoding="utf-8")
    read = set(re.findall(r"\"((?:Microsoft|Driftwarden)\.\w+(?:\.\w+)?)\"", source))
    template = TEMPLATES["subscriptions.bicep"]
    asked: set[str] = set()
    for module in template.modules:
        types = properties(properties(module.body)["params"])["eventTypes"]
        asked |= {text(one) for one in types.named_children if one.type == "string"}
    assert asked == read
    function_app.app.functions_bindings = None
    entry = {one.get_function_name(): one for one in function_app.app.get_functions()}["ingest"]
    assert entry.get_trigger().type == "eventGridTrigger"
    assert "/functions/ingest'" in template.root.text.decode()


def test_what_cannot_be_delivered_is_kept_and_told() -> None:
    for name in ("delivery", "requests"):
        (made,) = [one for one in TEMPLATES[f"modules/{name}.bicep"].resources if not one.existing]
        found = properties(properties(made.body)["properties"])
        assert "deadLetterWithResourceIdentity" in found
        assert text(found["eventDeliverySchema"]) == "CloudEventSchemaV1_0"
    (watchdog,) = [one for one in TEMPLATES["main.bicep"].modules if "watchdog" in one.of]
    topics = properties(properties(properties(watchdog.body)["params"])["topicIds"])
    granted = [one for one in TEMPLATES["main.bicep"].modules if "deadletter" in one.of]
    senders = {text(properties(properties(one.body)["params"])["principalId"]) for one in granted}
    assert len(topics) == len(senders) == 3
    assert {text(value).split(".")[0] for value in topics.values()} == {
        sender.split(".")[0] for sender in senders
    }
