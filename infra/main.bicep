metadata description = 'All resources that `azd provision` makes: the app, its store, its topics, its network, its alert rules and its roles.'

targetScope = 'subscription'

@description('Name of the azd environment. Names and tags of resources come from it; capitals make no difference.')
@minLength(1)
@maxLength(40)
param environmentName string

@description('Region of the resources; one where Flex Consumption is offered.')
@minLength(1)
param location string

@description('Owner of the resources; a tag.')
@minLength(1)
param owner string

@description('Cost centre that pays; a tag.')
@minLength(1)
param costCentre string

@description('Azure Machine Learning workspace of the watched models.')
@minLength(1)
param workspaceName string

@description('Resource group of the workspace, in this subscription.')
@minLength(1)
param workspaceResourceGroup string

@description('Storage account that the data collector of the models writes to.')
@minLength(1)
param logsAccountName string

@description('Resource group of that account, in this subscription.')
@minLength(1)
param logsResourceGroup string

@description('Container of that account that holds the logs.')
@minLength(1)
param logsContainer string

@description('Further containers of that account that models name with logs.container.')
param moreLogsContainers array = []

@description('Intake of new files and runs: announced by Event Grid (events), or listed by the app (poll). With poll no topic and no subscription is made.')
@allowed(['events', 'poll'])
param source string = 'events'

@description('Existing system topic of the workspace, which must have a system-assigned identity; empty where this deployment makes the topic.')
param workspaceTopicName string = ''

@description('Existing system topic of the logs account, likewise.')
param logsTopicName string = ''

@description('Path of the document: in the app package, or azure:CONTAINER/PATH in the app\'s storage account.')
@minLength(1)
param fleet string = 'fleet.yaml'

@description('Instances that are always running, such as { name: \'function:ingest\', instanceCount: 1 }; name is http or function:NAME.')
param alwaysReady array = []

@description('App settings of the operators by name; secrets as @Microsoft.KeyVault(VaultName=...;SecretName=...).')
@secure()
param extraSettings object = {}

@description('Names of app settings to remove. All others that the app has are kept.')
param retiredSettings array = []

@description('Private mode: virtual network integration, private endpoints, no public access.')
param vnetEnabled bool = false

@description('Address space of the network that is made; at least a /25.')
param addressPrefix string = '10.90.0.0/25'

@description('Subnet of an existing network, delegated to Microsoft.App/environments; a network is made where empty.')
param appSubnetId string = ''

@description('Subnet of that network for private endpoints.')
param endpointSubnetId string = ''

@description('Private DNS zones: made by this deployment (own), in the group below (existing), or filled in by a policy of the hub (policy).')
@allowed(['own', 'existing', 'policy'])
param dnsZones string = 'own'

@description('Resource id of the group of the existing zones; may be in another subscription.')
param dnsZonesGroupId string = ''

@description('Existing Log Analytics workspace by its resource id, also in another group or subscription; one is made where empty.')
param logAnalyticsWorkspaceId string = ''

@description('Application (client) id of the app registration that people sign in to.')
param signInClientId string = ''

@description('Object ids of the groups whose members may read the pages; the whole tenant where empty.')
param signInGroups array = []

@description('Serve the pages without sign-in.')
param anonymousPages bool = false

@description('Address that alerts and the budget are mailed to.')
@minLength(1)
param operatorsEmail string

@description('Address that pages of the watchdog are posted to; none where empty.')
@secure()
param pageWebhook string = ''

@description('Address that tickets of the watchdog are posted to; none where empty.')
@secure()
param ticketWebhook string = ''

@description('Watched online endpoints whose traffic log is sent to the Log Analytics workspace; leave out those that send it there already.')
param trafficEndpoints array = []

@description('Budget of a month in the currency of the bill; no budget where 0.')
@minValue(0)
param budgetAmount int = 0

@description('First day of the month in which the budget was first deployed, such as 2026-11-01. It must not change later.')
param budgetStart string = ''

@description('Lock the storage account against deletion. Needs the permission to create locks, which Contributor lacks.')
param locked bool = true

// One token per environment, in every name in a group that others share.
var token = uniqueString(toLower(subscription().id), toLower(environmentName), toLower(location))

// All names are known before the deployment starts, so that what-if can evaluate the modules.
var names = {
  group: 'rg-driftwarden-${toLower(environmentName)}'
  identity: 'id-${token}'
  storage: 'st${token}'
  vault: 'kv-${token}'
  analytics: 'log-${token}'
  insights: 'appi-${token}'
  topic: 'evgt-${token}'
  network: 'vnet-${token}'
  plan: 'plan-${token}'
  app: 'func-${token}'
  budget: 'driftwarden-${token}'
  watchdog: 'id-watchdog-${token}'
  subscription: 'driftwarden-${token}'
  setting: 'driftwarden-${token}'
  // A source has one system topic, which all environments share. A topic takes no underscore.
  workspaceTopic: empty(workspaceTopicName) ? 'evgt-${replace(workspaceName, '_', '-')}' : workspaceTopicName
  logsTopic: empty(logsTopicName) ? 'evgt-${logsAccountName}' : logsTopicName
}

// Tags of resources that environments share.
var sharedTags = {
  owner: owner
  'cost-centre': costCentre
}
var tags = union(sharedTags, { 'azd-env-name': environmentName })

// Event Grid delivers to the function's webhook, or to a queue where the app has no public address.
var delivery = source == 'poll' ? 'none' : vnetEnabled ? 'queue' : 'function'
var announced = delivery != 'none'
var ownWorkspaceTopic = announced && empty(workspaceTopicName)
var ownLogsTopic = announced && empty(logsTopicName)

var ids = {
  identity: resourceId(
    subscription().subscriptionId,
    names.group,
    'Microsoft.ManagedIdentity/userAssignedIdentities',
    names.identity
  )
  storage: resourceId(subscription().subscriptionId, names.group, 'Microsoft.Storage/storageAccounts', names.storage)
  vault: resourceId(subscription().subscriptionId, names.group, 'Microsoft.KeyVault/vaults', names.vault)
  topic: resourceId(subscription().subscriptionId, names.group, 'Microsoft.EventGrid/topics', names.topic)
  analytics: resourceId(
    subscription().subscriptionId,
    names.group,
    'Microsoft.OperationalInsights/workspaces',
    names.analytics
  )
  insights: resourceId(subscription().subscriptionId, names.group, 'Microsoft.Insights/components', names.insights)
  app: resourceId(subscription().subscriptionId, names.group, 'Microsoft.Web/sites', names.app)
  network: resourceId(subscription().subscriptionId, names.group, 'Microsoft.Network/virtualNetworks', names.network)
  logsAccount: resourceId(
    subscription().subscriptionId,
    logsResourceGroup,
    'Microsoft.Storage/storageAccounts',
    logsAccountName
  )
  workspace: resourceId(
    subscription().subscriptionId,
    workspaceResourceGroup,
    'Microsoft.MachineLearningServices/workspaces',
    workspaceName
  )
  logsTopic: resourceId(
    subscription().subscriptionId,
    logsResourceGroup,
    'Microsoft.EventGrid/systemTopics',
    names.logsTopic
  )
  workspaceTopic: resourceId(
    subscription().subscriptionId,
    workspaceResourceGroup,
    'Microsoft.EventGrid/systemTopics',
    names.workspaceTopic
  )
}

var isAnalyticsId = length(split(logAnalyticsWorkspaceId, '/')) == 9 && contains(
  toLower(logAnalyticsWorkspaceId),
  '/providers/microsoft.operationalinsights/workspaces/'
)
var ownAnalytics = empty(logAnalyticsWorkspaceId)
var analyticsId = ownAnalytics
  ? ids.analytics
  : isAnalyticsId
      ? logAnalyticsWorkspaceId
      : fail('Set logAnalyticsWorkspaceId (DRIFTWARDEN_LOG_ANALYTICS_RESOURCE_ID) to the resource id of a Log Analytics workspace.')
var analyticsPath = split(analyticsId, '/')

// Trusted services include Event Grid with the system-assigned identity of a topic.
var storageAccess = !vnetEnabled ? 'open' : announced ? 'trusted' : 'closed'

var ownNetwork = vnetEnabled && empty(appSubnetId)
var appSubnet = ownNetwork ? '${ids.network}/subnets/app' : vnetEnabled ? appSubnetId : ''
var endpointSubnet = ownNetwork
  ? '${ids.network}/subnets/endpoints'
  : vnetEnabled && empty(endpointSubnetId)
      ? fail('Set endpointSubnetId with appSubnetId: private endpoints need a subnet other than the app\'s.')
      : endpointSubnetId
var resolvingNetwork = ownNetwork ? ids.network : split(endpointSubnetId, '/subnets/')[0]
var zonesGroupId = dnsZones != 'existing'
  ? '${subscription().id}/resourceGroups/${names.group}'
  : empty(dnsZonesGroupId) ? fail('Set dnsZonesGroupId: dnsZones is existing.') : dnsZonesGroupId

// What the private endpoints lead to: the resource, its part, and the DNS zone of its names.
var storeTargets = [
  { service: ids.storage, part: 'blob', zone: 'privatelink.blob.${environment().suffixes.storage}' }
  { service: ids.storage, part: 'queue', zone: 'privatelink.queue.${environment().suffixes.storage}' }
  { service: ids.storage, part: 'table', zone: 'privatelink.table.${environment().suffixes.storage}' }
  {
    service: ids.vault
    part: 'vault'
    // The suffix of vaults is .vault.DOMAIN, that of their private zones vaultcore.DOMAIN.
    zone: 'privatelink${replace(environment().suffixes.keyvaultDns, '.vault.', '.vaultcore.')}'
  }
]
var topicTargets = announced ? [{ service: ids.topic, part: 'topic', zone: 'privatelink.eventgrid.azure.net' }] : []
var appTargets = [{ service: ids.app, part: 'sites', zone: 'privatelink.azurewebsites.net' }]
var endpoints = [
  for target in concat(storeTargets, topicTargets, appTargets): {
    name: '${target.part}-${token}'
    service: target.service
    part: target.part
    zone: dnsZones == 'policy' ? '' : '${zonesGroupId}/providers/Microsoft.Network/privateDnsZones/${target.zone}'
  }
]
var zoneNames = map(concat(storeTargets, topicTargets, appTargets), target => target.zone)

var signInApplication = anonymousPages || !empty(signInClientId)
  ? signInClientId
  : fail('Set signInClientId (DRIFTWARDEN_SIGN_IN_CLIENT_ID), or anonymousPages to serve the pages without sign-in.')

// Paths that check a key or a token themselves, and the probe.
var openPaths = concat(
  ['/healthz', '/api/commands', '/api/events', '/api/azure-alerts'],
  delivery == 'function' ? ['/runtime/webhooks/*'] : []
)

var budgetFrom = budgetAmount == 0 || !empty(budgetStart)
  ? budgetStart
  : fail('Set budgetStart (DRIFTWARDEN_BUDGET_START) to the first day of this month: budgetAmount is set.')

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: names.group
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'driftwarden-identity'
  scope: group
  params: {
    name: names.identity
    location: location
    tags: tags
  }
}

module storage 'modules/storage.bicep' = {
  name: 'driftwarden-storage'
  scope: group
  params: {
    name: names.storage
    location: location
    tags: tags
    access: storageAccess
  }
}

module vault 'modules/vault.bicep' = {
  name: 'driftwarden-vault'
  scope: group
  params: {
    name: names.vault
    location: location
    tags: tags
    publicAccess: !vnetEnabled
  }
}

module analytics 'modules/analytics.bicep' = if (ownAnalytics) {
  name: 'driftwarden-analytics'
  scope: group
  params: {
    name: names.analytics
    location: location
    tags: tags
  }
}

module analyticsPlace 'modules/place-analytics.bicep' = {
  name: 'driftwarden-place-analytics-${token}'
  scope: resourceGroup(analyticsPath[2], analyticsPath[4])
  params: {
    analyticsName: analyticsPath[8]
  }
  dependsOn: [analytics]
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'driftwarden-monitoring'
  scope: group
  params: {
    name: names.insights
    analyticsId: analyticsId
    location: location
    tags: tags
  }
  dependsOn: [analytics]
}

module topic 'modules/topic.bicep' = if (announced) {
  name: 'driftwarden-topic'
  scope: group
  params: {
    name: names.topic
    location: location
    tags: tags
    publicAccess: !vnetEnabled
  }
}

module network 'modules/network.bicep' = if (ownNetwork) {
  name: 'driftwarden-network'
  scope: group
  params: {
    name: names.network
    location: location
    tags: tags
    addressPrefix: addressPrefix
  }
}

module zones 'modules/zones.bicep' = if (vnetEnabled && dnsZones == 'own') {
  name: 'driftwarden-zones'
  scope: group
  params: {
    zones: zoneNames
    networkId: resolvingNetwork
    tags: tags
  }
  dependsOn: [network]
}

// The app resolves its store when it first starts: all endpoints but the app's own come before the app.
module storeEndpoints 'modules/endpoints.bicep' = if (vnetEnabled) {
  name: 'driftwarden-endpoints-store'
  scope: group
  params: {
    endpoints: filter(endpoints, one => one.part != 'sites')
    subnetId: endpointSubnet
    location: location
    tags: tags
  }
  dependsOn: [network, zones, storage, vault, topic]
}

module appEndpoint 'modules/endpoints.bicep' = if (vnetEnabled) {
  name: 'driftwarden-endpoints-app'
  scope: group
  params: {
    endpoints: filter(endpoints, one => one.part == 'sites')
    subnetId: endpointSubnet
    location: location
    tags: tags
  }
  dependsOn: [storeEndpoints, app]
}

module logsPlace 'modules/place-logs.bicep' = {
  name: 'driftwarden-place-logs-${token}'
  scope: resourceGroup(logsResourceGroup)
  params: {
    accountName: logsAccountName
  }
}

module workspacePlace 'modules/place-workspace.bicep' = {
  name: 'driftwarden-place-workspace-${token}'
  scope: resourceGroup(workspaceResourceGroup)
  params: {
    workspaceName: workspaceName
  }
}

module logs 'modules/announced.bicep' = if (announced) {
  name: 'driftwarden-announced-logs-${token}'
  scope: resourceGroup(logsResourceGroup)
  params: {
    part: 'logs'
    token: token
    topicName: names.logsTopic
    topicId: ids.logsTopic
    own: ownLogsTopic
    location: logsPlace.outputs.location
    tags: sharedTags
    sourceId: ids.logsAccount
    topicType: 'Microsoft.Storage.StorageAccounts'
    accountGroup: names.group
    accountName: names.storage
    toQueue: delivery == 'queue'
    analyticsId: analyticsId
    settingName: names.setting
  }
  dependsOn: [storage, analytics]
}

module workspace 'modules/announced.bicep' = if (announced) {
  name: 'driftwarden-announced-workspace-${token}'
  scope: resourceGroup(workspaceResourceGroup)
  params: {
    part: 'workspace'
    token: token
    topicName: names.workspaceTopic
    topicId: ids.workspaceTopic
    own: ownWorkspaceTopic
    location: workspacePlace.outputs.location
    tags: sharedTags
    sourceId: ids.workspace
    topicType: 'Microsoft.MachineLearningServices.Workspaces'
    accountGroup: names.group
    accountName: names.storage
    toQueue: delivery == 'queue'
    analyticsId: analyticsId
    settingName: names.setting
  }
  dependsOn: [storage, analytics]
}

module appRoles 'modules/roles-app.bicep' = {
  name: 'driftwarden-roles-app'
  scope: group
  params: {
    principalId: identity.outputs.principalId
    identityName: names.identity
    storageName: names.storage
    vaultName: names.vault
    insightsName: names.insights
  }
  dependsOn: [storage, vault, monitoring]
}

module analyticsRoles 'modules/roles-analytics.bicep' = {
  name: 'driftwarden-roles-analytics-${token}'
  scope: resourceGroup(analyticsPath[2], analyticsPath[4])
  params: {
    principalId: identity.outputs.principalId
    identityName: names.identity
    analyticsName: analyticsPath[8]
  }
  dependsOn: [analytics]
}

module publisherRoles 'modules/roles-publisher.bicep' = if (announced) {
  name: 'driftwarden-roles-publisher'
  scope: group
  params: {
    principalId: identity.outputs.principalId
    identityName: names.identity
    topicName: names.topic
  }
  dependsOn: [topic]
}

module logsRoles 'modules/roles-logs.bicep' = [
  for (container, index) in union([logsContainer], moreLogsContainers): {
    name: 'driftwarden-roles-logs-${index}-${token}'
    scope: resourceGroup(logsResourceGroup)
    params: {
      principalId: identity.outputs.principalId
      identityName: names.identity
      accountName: logsAccountName
      containerName: container
    }
  }
]

module workspaceRoles 'modules/roles-workspace.bicep' = {
  name: 'driftwarden-roles-workspace-${token}'
  scope: resourceGroup(workspaceResourceGroup)
  params: {
    principalId: identity.outputs.principalId
    identityName: names.identity
    workspaceName: workspaceName
  }
}

module topicRoles 'modules/roles-topic.bicep' = if (announced) {
  name: 'driftwarden-roles-topic'
  scope: group
  params: {
    principalId: topic!.outputs.principalId
    topicId: ids.topic
    accountName: names.storage
    toQueue: delivery == 'queue'
  }
  dependsOn: [storage]
}

module app 'modules/app.bicep' = {
  name: 'driftwarden-app'
  scope: group
  params: {
    name: names.app
    planName: names.plan
    location: location
    tags: tags
    identityId: ids.identity
    clientId: identity.outputs.clientId
    deployment: storage.outputs.deployment
    alwaysReady: alwaysReady
    subnetId: appSubnet
    publicAccess: !vnetEnabled
    signInClientId: signInApplication
    signInGroups: signInGroups
    openPaths: openPaths
    anonymousPages: anonymousPages
    extraSettings: extraSettings
    retiredSettings: retiredSettings
    settings: union(
      {
        APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.outputs.clientId};Authorization=AAD'
        APPLICATIONINSIGHTS_CONNECTION_STRING: monitoring.outputs.connectionString
        AZUREML_WORKSPACE_NAME: workspaceName
        AZURE_RESOURCE_GROUP: workspaceResourceGroup
        AZURE_SUBSCRIPTION_ID: subscription().subscriptionId
        AzureWebJobsDisableHomepage: 'true'
        AzureWebJobsStorage__accountName: names.storage
        AzureWebJobsStorage__clientId: identity.outputs.clientId
        AzureWebJobsStorage__credential: 'managedidentity'
        DO_NOT_TRACK: '1'
        DRIFTWARDEN_FLEET: fleet
        DRIFTWARDEN_LOGS_CONTAINER: logsContainer
        DRIFTWARDEN_LOGS__blobServiceUri: logsPlace.outputs.blobEndpoint
        DRIFTWARDEN_LOG_ANALYTICS_WORKSPACE_ID: analyticsPlace.outputs.customerId
      },
      announced ? { EVENTGRID_TOPIC_ENDPOINT: topic!.outputs.endpoint } : {}
    )
  }
  dependsOn: [appRoles, analyticsRoles, publisherRoles, logsRoles, workspaceRoles, network, storeEndpoints]
}

module watchdog 'modules/watchdog.bicep' = {
  name: 'driftwarden-watchdog'
  scope: group
  params: {
    location: location
    rulesLocation: analyticsPlace.outputs.location
    tags: tags
    operatorsEmail: operatorsEmail
    pageWebhook: pageWebhook
    ticketWebhook: ticketWebhook
    identityName: names.watchdog
    analyticsId: analyticsId
    token: token
    insightsId: ids.insights
    topicIds: announced ? { requests: ids.topic, logs: ids.logsTopic, workspace: ids.workspaceTopic } : {}
    subscriptionName: names.subscription
  }
  dependsOn: [monitoring, topic, logs, workspace]
}

module diagnostics 'modules/diagnostics.bicep' = {
  name: 'driftwarden-diagnostics'
  scope: group
  params: {
    analyticsId: analyticsId
    appName: names.app
    storageName: names.storage
    topicName: announced ? names.topic : ''
  }
  dependsOn: [monitoring, app, storage, topic]
}

module endpointDiagnostics 'modules/diagnostics-endpoints.bicep' = if (!empty(trafficEndpoints)) {
  name: 'driftwarden-diagnostics-endpoints-${token}'
  scope: resourceGroup(workspaceResourceGroup)
  params: {
    workspaceName: workspaceName
    endpointNames: trafficEndpoints
    analyticsId: analyticsId
    settingName: names.setting
  }
  dependsOn: [monitoring]
}

module guard 'modules/guard.bicep' = {
  name: 'driftwarden-guard'
  scope: group
  params: {
    storageName: names.storage
    locked: locked
    budgetName: names.budget
    amount: budgetAmount
    startDate: budgetFrom
    email: operatorsEmail
  }
  dependsOn: [storage]
}

// azd keeps the outputs in its environment, where the hooks and subscriptions.bicepparam read them.
@description('Resource group of the environment.')
output AZURE_RESOURCE_GROUP string = group.name

@description('Address of the pages.')
output DRIFTWARDEN_URL string = app.outputs.url

@description('Redirect URI for the app registration.')
output DRIFTWARDEN_REDIRECT_URI string = '${app.outputs.url}/.auth/login/aad/callback'

@description('Object id of the identity: the subject of the app registration\'s federated credential.')
output DRIFTWARDEN_PRINCIPAL_ID string = identity.outputs.principalId

@description('Object id of the identity of the alert rules.')
output DRIFTWARDEN_WATCHDOG_PRINCIPAL_ID string = watchdog.outputs.principalId

@description('Name of the app.')
output DRIFTWARDEN_APP string = names.app

@description('Resource id of the app.')
output DRIFTWARDEN_APP_ID string = ids.app

@description('Key vault for the secrets of operators.')
output DRIFTWARDEN_VAULT string = names.vault

@description('Token in the names of this environment.')
output DRIFTWARDEN_TOKEN string = token

@description('Destination of Event Grid\'s deliveries: function, queue or none.')
output DRIFTWARDEN_DELIVERY string = delivery

@description('Resource id of the app\'s storage account.')
output DRIFTWARDEN_STORAGE_ID string = ids.storage

@description('Topic of the app.')
output DRIFTWARDEN_TOPIC string = names.topic

@description('System topic of the logs account.')
output DRIFTWARDEN_LOGS_TOPIC string = names.logsTopic

@description('System topic of the workspace.')
output DRIFTWARDEN_WORKSPACE_TOPIC string = names.workspaceTopic
