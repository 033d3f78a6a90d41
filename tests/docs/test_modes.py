"""Each mode of the deployment makes what it says, and nothing else."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.docs import modes
from tests.docs.bicep import Template, text
from tests.docs.deployment import INFRA, Made, Plan
from tests.docs.evaluate import SUBSCRIPTION, Failed, parameters
from tests.docs.modes import ENVIRONMENT, EVENTS, MODES, PRIVATE

TOPIC_ROLES = {
    "public-events": {"roles-topic/account::blobs::deadletter"},
    "private-events": {
        "roles-topic/account::blobs::deadletter",
        "roles-topic/account::queues::events",
    },
}


def only(made: Plan, kind: str) -> Any:
    """The properties of the only resource of a type."""
    (found,) = made.of(kind)
    return found.fields["properties"]


def sign_in(made: Plan) -> Any:
    (found,) = [one for one in made.of("Microsoft.Web/sites/config") if "auth" in one.name]
    return found.fields["properties"]


@pytest.mark.parametrize("mode", MODES)
def test_a_mode_sets_parameters_of_the_template_and_all_that_have_no_default(mode: str) -> None:
    given = parameters(INFRA / f"{mode}.bicepparam", ENVIRONMENT).keys()
    params = Template(INFRA / "main.bicep").params
    assert given <= params.keys()
    assert {name for name, default in params.items() if default is None} <= given


def test_every_parameter_can_be_set_from_the_environment_in_some_mode() -> None:
    given: set[str] = set()
    for mode in MODES:
        given |= parameters(INFRA / f"{mode}.bicepparam", ENVIRONMENT).keys()
    assert given == Template(INFRA / "main.bicep").params.keys()


@pytest.mark.parametrize("mode", MODES)
def test_polling_makes_no_topic_and_no_subscription(mode: str) -> None:
    made = modes.plan(mode)
    kinds = {kind for kind in made.kinds() if kind.startswith("Microsoft.EventGrid/")}
    after = modes.subscriptions(made).kinds()
    settings = made.calls["app"]["settings"]
    if mode in EVENTS:
        assert kinds == {"Microsoft.EventGrid/topics", "Microsoft.EventGrid/systemTopics"}
        assert after == {
            "Microsoft.EventGrid/topics/eventSubscriptions",
            "Microsoft.EventGrid/systemTopics/eventSubscriptions",
        }
        assert "EVENTGRID_TOPIC_ENDPOINT" in settings
    else:
        assert kinds == after == set()
        assert "EVENTGRID_TOPIC_ENDPOINT" not in settings
        assert made.calls["watchdog"]["topicIds"] == {}


def delivered(mode: str) -> list[Made]:
    return modes.subscriptions(modes.plan(mode)).resources


@pytest.mark.parametrize("mode", EVENTS)
def test_events_go_to_the_function_or_by_identity_to_the_queue(mode: str) -> None:
    found = delivered(mode)
    assert [made.group for made in found] == ["rg-driftwarden-prod", "rg-logs", "rg-ml"]
    for made in found:
        fields = made.fields["properties"]
        assert fields["eventDeliverySchema"] == "CloudEventSchemaV1_0"
        if mode == "public-events":
            assert fields["deliveryWithResourceIdentity"] is None
            assert fields["destination"]["properties"]["resourceId"].endswith("/functions/ingest")
        else:
            assert fields["destination"] is None
            by_identity = fields["deliveryWithResourceIdentity"]
            # A user-assigned identity does not get through the account's firewall.
            assert by_identity["identity"] == {"type": "SystemAssigned"}
            assert by_identity["destination"]["properties"]["queueName"] == "events"


@pytest.mark.parametrize("mode", EVENTS)
def test_what_cannot_be_delivered_is_kept_and_watched(mode: str) -> None:
    for one in delivered(mode):
        kept = one.fields["properties"]["deadLetterWithResourceIdentity"]
        target = kept["deadLetterDestination"]["properties"]
        assert target["blobContainerName"] == "deadletter"
    made = modes.plan(mode)
    assert len(made.calls["watchdog"]["topicIds"]) == len(delivered(mode))
    granted = made.of("Microsoft.Authorization/roleAssignments")
    senders = [one.place for one in granted if one.place.startswith("roles-topic/")]
    assert set(senders) == TOPIC_ROLES[mode]
    assert len(senders) == 3 * len(TOPIC_ROLES[mode])


@pytest.mark.parametrize(
    ("changes", "made_in"),
    [
        ({}, ["rg-logs", "rg-ml"]),
        ({"AZUREML_SYSTEM_TOPIC": "theirs"}, ["rg-logs"]),
        ({"DRIFTWARDEN_LOGS_SYSTEM_TOPIC": "theirs"}, ["rg-ml"]),
        ({"AZUREML_SYSTEM_TOPIC": "theirs", "DRIFTWARDEN_LOGS_SYSTEM_TOPIC": "theirs"}, []),
    ],
)
def test_a_topic_of_others_is_subscribed_and_never_written(
    changes: dict[str, str], made_in: list[str]
) -> None:
    made = modes.with_changes("public-events", changes)
    after = modes.subscriptions(made, changes)
    assert [one.group for one in made.of("Microsoft.EventGrid/systemTopics")] == made_in
    assert {one.group for one in after.resources} >= {"rg-logs", "rg-ml"}
    shared = Template(INFRA / "modules" / "source-shared.bicep")
    assert [one.existing for one in shared.resources] == [True]
    assert "set source to poll" in text(shared.outputs["principalId"])


def test_subscriptions_begin_at_the_path_of_the_logs() -> None:
    made = modes.plan("public-events")
    for path in ("", "modelDataCollector/"):
        after = modes.subscriptions(made, {"DRIFTWARDEN_LOGS_PATH": path})
        (logs,) = [one for one in after.resources if one.group == "rg-logs"]
        begin = logs.fields["properties"]["filter"]["subjectBeginsWith"]
        assert begin == f"/blobServices/default/containers/collected/blobs/{path}"


@pytest.mark.parametrize("mode", MODES)
def test_private_modes_have_no_public_endpoint(mode: str) -> None:
    made = modes.plan(mode)
    access = {
        found.kind: found.fields["properties"]["publicNetworkAccess"]
        for found in made.resources
        if "publicNetworkAccess" in found.fields.get("properties", {})
    }
    networks = {kind for kind in made.kinds() if kind.startswith("Microsoft.Network/")}
    if mode not in PRIVATE:
        assert set(access.values()) == {"Enabled"}
        assert networks == set()
        return
    assert networks.isdisjoint({
        "Microsoft.Network/publicIPAddresses", "Microsoft.Network/natGateways",
        "Microsoft.Network/loadBalancers", "Microsoft.Network/applicationGateways",
    })  # fmt: skip
    storage = only(made, "Microsoft.Storage/storageAccounts")["networkAcls"]
    assert storage["defaultAction"] == "Deny"
    opened = {kind for kind, value in access.items() if value != "Disabled"}
    if mode == "private-events":
        # Event Grid reaches the queue as a trusted service; the account refuses everybody else.
        assert opened == {"Microsoft.Storage/storageAccounts"}
        assert storage["bypass"] == "AzureServices"
    else:
        assert opened == set()
        assert storage["bypass"] == "None"


@pytest.mark.parametrize("mode", PRIVATE)
def test_every_closed_resource_has_its_endpoints_and_zones(mode: str) -> None:
    made = modes.plan(mode)
    parts = {
        found.fields["properties"]["privateLinkServiceConnections"][0]["properties"]["groupIds"][0]
        for found in made.of("Microsoft.Network/privateEndpoints")
    }
    topic = {"topic"} if mode == "private-events" else set()
    assert parts == {"blob", "queue", "table", "vault", "sites"} | topic
    zones = made.of("Microsoft.Network/privateDnsZones")
    assert len({zone.name for zone in zones}) == len(parts)
    assert len(made.of("Microsoft.Network/privateEndpoints/privateDnsZoneGroups")) == len(parts)
    assert made.calls["app"]["subnetId"].endswith("/subnets/app")
    (network,) = made.of("Microsoft.Network/virtualNetworks")
    app, endpoints = network.fields["properties"]["subnets"]
    delegated = app["properties"]["delegations"][0]["properties"]["serviceName"]
    assert delegated == "Microsoft.App/environments"
    assert "delegations" not in endpoints["properties"]


@pytest.mark.parametrize("mode", MODES)
def test_every_id_leads_to_a_resource_that_is_made(mode: str) -> None:
    made = modes.plan(mode)
    root = f"/subscriptions/{SUBSCRIPTION}/resourceGroups"
    there = {f"{root}/{one.group}/providers/{one.kind}/{one.name}" for one in made.resources}
    used = {
        made.outputs["DRIFTWARDEN_APP_ID"],
        made.outputs["DRIFTWARDEN_STORAGE_ID"],
        made.calls["app"]["identityId"],
        made.calls["diagnostics"]["analyticsId"],
        made.calls["watchdog"]["insightsId"],
        *made.calls["watchdog"]["topicIds"].values(),
    }
    for found in made.of("Microsoft.Network/privateEndpoints"):
        (connection,) = found.fields["properties"]["privateLinkServiceConnections"]
        used.add(connection["properties"]["privateLinkServiceId"])
    for found in made.of("Microsoft.Network/privateEndpoints/privateDnsZoneGroups"):
        (zone,) = found.fields["properties"]["privateDnsZoneConfigs"]
        used.add(zone["properties"]["privateDnsZoneId"])
    assert used <= there, used - there


#: A workspace that another team has in another subscription.
CENTRAL = "/subscriptions/c/resourceGroups/rg-central/providers/Microsoft.OperationalInsights"
EXISTING = f"{CENTRAL}/workspaces/central"


def with_existing_workspace(mode: str) -> Plan:
    changes = {
        "DRIFTWARDEN_LOG_ANALYTICS_RESOURCE_ID": EXISTING,
        "DRIFTWARDEN_TRAFFIC_ENDPOINTS": '["demand"]',
    }
    return modes.with_changes(mode, changes)


@pytest.mark.parametrize("mode", MODES)
def test_an_existing_log_analytics_workspace_takes_the_place_of_ours(mode: str) -> None:
    made, before = with_existing_workspace(mode), modes.plan(mode)
    (ours,) = before.of("Microsoft.OperationalInsights/workspaces")
    assert made.of("Microsoft.OperationalInsights/workspaces") == []
    assert only(made, "Microsoft.Insights/components")["WorkspaceResourceId"] == EXISTING
    logged = made.of("Microsoft.Insights/diagnosticSettings")
    assert {one.fields["properties"]["workspaceId"] for one in logged} == {EXISTING}
    assert [one.place for one in logged if one.place.startswith("diagnostics-endpoints/")]
    rules = made.of("Microsoft.Insights/scheduledQueryRules")
    assert {one.fields["properties"]["scopes"][0] for one in rules} == {EXISTING}
    # A rule lies in the region of the workspace that it queries.
    assert {one.fields["location"] for one in rules} == {"analyticsPlace.outputs.location"}
    queried = made.calls["app"]["settings"]["DRIFTWARDEN_LOG_ANALYTICS_WORKSPACE_ID"]
    assert queried == "analyticsPlace.outputs.customerId"
    assert ours.group == "rg-driftwarden-prod"


@pytest.mark.parametrize("mode", MODES)
def test_in_the_group_of_an_existing_workspace_are_roles_alone(mode: str) -> None:
    made, before = with_existing_workspace(mode), modes.plan(mode)
    there = [one for one in made.resources if one.group == "rg-central"]
    assert {(one.kind, one.place) for one in there} == {
        ("Microsoft.Authorization/roleAssignments", "roles-analytics/analytics"),
        ("Microsoft.Authorization/roleAssignments", "roles-watchdog/analytics"),
    }
    ours = [one for one in before.resources if one.place in {made.place for made in there}]
    assert {one.group for one in ours} == {"rg-driftwarden-prod"}
    assert {one.name for one in ours}.isdisjoint(one.name for one in there)
    token = made.outputs["DRIFTWARDEN_TOKEN"]
    assert all(token in name for name, group in made.deployments if group == "rg-central")
    assert [value for value in made.outputs.values() if "central" in str(value)] == []


@pytest.mark.parametrize(
    "said",
    [
        "central",
        "11111111-1111-1111-1111-111111111111",
        f"{EXISTING}/",
        f"{EXISTING}/tables/AppMetrics",
        CENTRAL,
        EXISTING.removeprefix("/"),
        EXISTING.replace("OperationalInsights", "MachineLearningServices"),
    ],
)
def test_what_is_no_id_of_a_log_analytics_workspace_is_refused(said: str) -> None:
    with pytest.raises(Failed, match="DRIFTWARDEN_LOG_ANALYTICS_RESOURCE_ID"):
        modes.with_changes("poll-only", {"DRIFTWARDEN_LOG_ANALYTICS_RESOURCE_ID": said})


HUB = {
    "DRIFTWARDEN_APP_SUBNET_ID": "/hub/subnets/a",
    "DRIFTWARDEN_ENDPOINT_SUBNET_ID": "/hub/subnets/b",
}


@pytest.mark.parametrize(
    ("zones", "made_here", "records"), [("own", 5, 5), ("existing", 0, 5), ("policy", 0, 0)]
)
def test_the_network_and_the_zones_can_be_a_hubs(zones: str, made_here: int, records: int) -> None:
    changes = {"DRIFTWARDEN_DNS_ZONES": zones, "DRIFTWARDEN_DNS_ZONES_GROUP_ID": "/dns"}
    made = modes.with_changes("private", {**HUB, **changes})
    assert made.of("Microsoft.Network/virtualNetworks") == []
    assert len(made.of("Microsoft.Network/privateDnsZones")) == made_here
    assert len(made.of("Microsoft.Network/privateEndpoints/privateDnsZoneGroups")) == records
    assert made.calls["app"]["subnetId"] == "/hub/subnets/a"


@pytest.mark.parametrize(
    ("mode", "changes", "words"),
    [
        ("public-events", {"DRIFTWARDEN_SIGN_IN_CLIENT_ID": ""}, "Set signInClientId"),
        ("poll-only", {"DRIFTWARDEN_SIGN_IN_CLIENT_ID": ""}, "or anonymousPages"),
        ("poll-only", {"DRIFTWARDEN_BUDGET_START": ""}, "Set budgetStart"),
        ("private", {"DRIFTWARDEN_APP_SUBNET_ID": "/hub/a"}, "Set endpointSubnetId"),
        ("private", {**HUB, "DRIFTWARDEN_DNS_ZONES": "existing"}, "Set dnsZonesGroupId"),
    ],
)
def test_a_deployment_that_lacks_something_says_what(
    mode: str, changes: dict[str, str], words: str
) -> None:
    with pytest.raises(Failed, match=words) as said:
        modes.with_changes(mode, changes)
    assert "\n" not in str(said.value)


@pytest.mark.parametrize("mode", MODES)
def test_pages_are_behind_sign_in_and_webhooks_are_not(mode: str) -> None:
    found = sign_in(modes.plan(mode))
    rules = found["globalValidation"]
    assert (found["platform"]["enabled"], rules["requireAuthentication"]) == (True, True)
    assert rules["unauthenticatedClientAction"] == "RedirectToLoginPage"
    webhooks = {"/runtime/webhooks/*"} if mode == "public-events" else set()
    own = {"/healthz", "/api/commands", "/api/events", "/api/azure-alerts"}
    assert set(rules["excludedPaths"]) == own | webhooks
    registration = found["identityProviders"]["azureActiveDirectory"]["registration"]
    # The identity signs in place of a secret.
    assert registration["clientSecretSettingName"] in made_settings(mode)


def made_settings(mode: str) -> Any:
    (found,) = [
        one
        for one in modes.plan(mode).of("Microsoft.Web/sites/config")
        if one.name == "appsettings"
    ]
    return found.fields["properties"]


def test_pages_are_anonymous_only_where_it_is_said() -> None:
    changes = {"DRIFTWARDEN_SIGN_IN_CLIENT_ID": "", "DRIFTWARDEN_ANONYMOUS_PAGES": "true"}
    found = sign_in(modes.with_changes("poll-only", changes))
    assert found["globalValidation"]["unauthenticatedClientAction"] == "AllowAnonymous"
    assert found["identityProviders"] == {}


def test_the_settings_of_operators_survive_below_ours() -> None:
    theirs = '{"PAGER_URL": "@Microsoft.KeyVault(VaultName=v;SecretName=s)", "DO_NOT_TRACK": "0"}'
    made = modes.with_changes("poll-only", {"DRIFTWARDEN_APP_SETTINGS": theirs})
    (found,) = [one for one in made.of("Microsoft.Web/sites/config") if one.name == "appsettings"]
    written = found.fields["properties"]
    assert written["PAGER_URL"].startswith("@Microsoft.KeyVault(")
    assert written["DO_NOT_TRACK"] == "1"
    source = (INFRA / "modules" / "settings.bicep").read_text()
    # What the app has, without what is retired, lies below both.
    assert re.search(
        r"union\(\s*toObject\(filter\(items\(current\), .*\),\s*extra,\s*settings", source
    )
    (app,) = made.of("Microsoft.Web/sites")
    assert "appSettings" not in app.fields["properties"]["siteConfig"]
    assert app.fields["properties"]["keyVaultReferenceIdentity"] == made.calls["app"]["identityId"]


@pytest.mark.parametrize("mode", MODES)
def test_roles_come_before_the_app(mode: str) -> None:
    """The app's own: the identities of topics and alert rules have theirs elsewhere."""
    source = (INFRA / "main.bicep").read_text()
    app = source.split("module app 'modules/app.bicep'")[1].split("\n}\n")[0]
    first = set(re.search(r"dependsOn: \[(.*)\]", app)[1].split(", "))
    granting = {
        symbol
        for symbol, given in modes.plan(mode).calls.items()
        if "identityName" in given and "principalId" in given and symbol != "readerRoles"
    }
    assert granting
    assert granting <= first


@pytest.mark.parametrize(
    ("more", "granted"),
    [
        ("[]", ["collected"]),
        ('["scored"]', ["collected", "scored"]),
        ('["scored", "azureml-blobstore-1"]', ["collected", "scored", "azureml-blobstore-1"]),
        ('["collected"]', ["collected"]),
        ('["scored", "scored", "collected"]', ["collected", "scored"]),
    ],
)
def test_each_container_of_the_logs_is_granted_once(more: str, granted: list[str]) -> None:
    made = modes.with_changes("poll-only", {"DRIFTWARDEN_MORE_LOGS_CONTAINERS": more})
    found = [one for one in made.resources if one.place.startswith("roles-logs/")]
    assert [one.fields["scope"]["name"] for one in found] == granted
    assert {one.group for one in found} == {"rg-logs"}
    assert len({one.name for one in found}) == len(granted)
    # The first has the name that it had when it was the only one.
    (only_one,) = [one for one in modes.plan("poll-only").resources if one.place == found[0].place]
    assert found[0].name == only_one.name


@pytest.mark.parametrize("mode", MODES)
def test_state_is_locked_and_never_deleted_by_age(mode: str) -> None:
    made = modes.plan(mode)
    (lock,) = made.of("Microsoft.Authorization/locks")
    assert lock.fields["properties"]["level"] == "CanNotDelete"
    (lifecycle,) = made.of("Microsoft.Storage/storageAccounts/managementPolicies")
    for rule in lifecycle.fields["properties"]["policy"]["rules"]:
        assert rule["definition"]["filters"]["prefixMatch"] == ["deadletter/"]
    assert only(made, "Microsoft.Consumption/budgets")["timePeriod"] == {"startDate": "2026-11-01"}
    unlocked = modes.with_changes(mode, {"DRIFTWARDEN_LOCKED": "false", "DRIFTWARDEN_BUDGET": "0"})
    assert unlocked.kinds().isdisjoint(
        {"Microsoft.Authorization/locks", "Microsoft.Consumption/budgets"}
    )


@pytest.mark.parametrize("mode", MODES)
def test_everything_that_takes_tags_tells_owner_and_cost_centre(mode: str) -> None:
    for found in modes.plan(mode).resources:
        if "location" in found.fields:
            tags = found.fields["tags"]
            assert {"owner", "cost-centre"} <= tags.keys(), found
            # Environments share the topics of the sources.
            assert ("azd-env-name" in tags) == (found.group not in modes.FOREIGN)
