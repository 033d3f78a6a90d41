"""The deployment: settings, queues, events and alert rules that the code knows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import function_app
from hosts.azure import settings
from hosts.azure.storage.app_queues import DUE_QUEUE, EVENTS_QUEUE, REFUSED_QUEUE
from hosts.azure.storage.connection import Connection
from hosts.azure.storage.queues import poison_name
from tests.docs import modes
from tests.docs.bicep import Template, properties, text
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
    "AzureWebJobsStorage__clientId": "the identity for it, and for all that we call",
    "AzureWebJobsStorage__credential": "the Functions host uses that identity",
    "DO_NOT_TRACK": "Evidently asks",
    "DRIFTWARDEN_FLEET": "function_app.py",
}
COMMON = {"TimeGenerated": "datetime", "Name": "string", "Properties": "dynamic"}
FAILED = {**COMMON, "OperationId": "string", "Success": "bool"}
#: Columns that the queries use (Azure Monitor Logs reference, one page for each table).
TABLES = {
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


def given_settings() -> set[str]:
    found: set[str] = set(modes.plan("public-events").calls["app"]["settings"])
    return found


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
    triggered = (DUE_QUEUE, EVENTS_QUEUE)
    for name in (*triggered, *map(poison_name, triggered), REFUSED_QUEUE):
        assert f"'{name}'" in source
    for rule in ("allowSharedKeyAccess: false", "allowBlobPublicAccess: false", "'TLS1_2'"):
        assert rule in source
    (site,) = [one for one in TEMPLATES["modules/app.bicep"].resources if "/sites@" in one.of]
    config = properties(properties(properties(site.body)["properties"])["functionAppConfig"])
    assert text(properties(config["runtime"])["name"]) == "python"
    # The version that the tests run on.
    assert text(properties(config["runtime"])["version"]) == "3.11"


def test_queries_of_the_page_stand_before_the_parser() -> None:
    page = (ROOT / "docs" / "azure.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```kusto\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert shown
    with running(TABLES) as parser:
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
