metadata description = 'What `azd provision` makes: the app, its store, its topic, its watchdog, and its roles.'

targetScope = 'subscription'

@description('Name of the azd environment; resources are tagged and named by it.')
@minLength(1)
@maxLength(40)
param environmentName string

@description('Region of what is made here; one where Flex Consumption is offered.')
@minLength(1)
param location string

@description('Azure Machine Learning workspace of the watched models.')
@minLength(1)
param workspaceName string

@description('Resource group of that workspace, in this subscription.')
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

@description('System topic of the workspace. A source has only one: give the name of one that exists.')
param workspaceTopicName string = ''

@description('System topic of the logs account; give the name of one that exists.')
param logsTopicName string = ''

@description('Who is mailed when an alert rule of the watchdog fires.')
@minLength(1)
param operatorsEmail string

@description('Address that pages of the watchdog are posted to; none where empty.')
@secure()
param pageWebhook string = ''

@description('Address that tickets of the watchdog are posted to; none where empty.')
@secure()
param ticketWebhook string = ''

@description('Watched online endpoints, with commas between; those that send their traffic log to our Log Analytics workspace already are left out.')
param trafficEndpoints string = ''

var token = uniqueString(subscription().id, environmentName, location)
var tags = { 'azd-env-name': environmentName }
var workspaceTopic = empty(workspaceTopicName) ? 'evgt-${workspaceName}' : workspaceTopicName
var logsTopic = empty(logsTopicName) ? 'evgt-${logsAccountName}' : logsTopicName

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-driftwarden-${environmentName}'
  location: location
  tags: tags
}

module storage 'modules/storage.bicep' = {
  name: 'driftwarden-storage'
  scope: group
  params: {
    name: 'st${token}'
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'driftwarden-monitoring'
  scope: group
  params: {
    workspaceName: 'log-${token}'
    insightsName: 'appi-${token}'
    location: location
    tags: tags
  }
}

module topic 'modules/topic.bicep' = {
  name: 'driftwarden-topic'
  scope: group
  params: {
    name: 'evgt-${token}'
    location: location
    tags: tags
  }
}

module logs 'modules/source-logs.bicep' = {
  name: 'driftwarden-source-logs'
  scope: resourceGroup(logsResourceGroup)
  params: {
    accountName: logsAccountName
    topicName: logsTopic
    tags: tags
  }
}

module workspace 'modules/source-workspace.bicep' = {
  name: 'driftwarden-source-workspace'
  scope: resourceGroup(workspaceResourceGroup)
  params: {
    workspaceName: workspaceName
    topicName: workspaceTopic
    tags: tags
  }
}

module app 'modules/app.bicep' = {
  name: 'driftwarden-app'
  scope: group
  params: {
    name: 'func-${token}'
    planName: 'plan-${token}'
    location: location
    tags: tags
    deployment: storage.outputs.deployment
    settings: {
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD'
      APPLICATIONINSIGHTS_CONNECTION_STRING: monitoring.outputs.connectionString
      AZUREML_WORKSPACE_NAME: workspaceName
      AZURE_RESOURCE_GROUP: workspaceResourceGroup
      AZURE_SUBSCRIPTION_ID: subscription().subscriptionId
      AzureWebJobsDisableHomepage: 'true'
      AzureWebJobsStorage__accountName: storage.outputs.name
      DO_NOT_TRACK: '1'
      DRIFTWARDEN_FLEET: 'fleet.yaml'
      DRIFTWARDEN_LOGS_CONTAINER: logsContainer
      DRIFTWARDEN_LOGS__blobServiceUri: logs.outputs.blobEndpoint
      DRIFTWARDEN_LOG_ANALYTICS_WORKSPACE_ID: monitoring.outputs.analyticsCustomerId
      EVENTGRID_TOPIC_ENDPOINT: topic.outputs.endpoint
    }
  }
}

module appRoles 'modules/roles-app.bicep' = {
  name: 'driftwarden-roles-app'
  scope: group
  params: {
    principalId: app.outputs.principalId
    storageName: storage.outputs.name
    topicName: topic.outputs.name
    insightsName: monitoring.outputs.insightsName
    analyticsName: monitoring.outputs.analyticsName
  }
}

module logsRoles 'modules/roles-logs.bicep' = {
  name: 'driftwarden-roles-logs'
  scope: resourceGroup(logsResourceGroup)
  params: {
    principalId: app.outputs.principalId
    accountName: logsAccountName
    containerName: logsContainer
  }
}

module workspaceRoles 'modules/roles-workspace.bicep' = {
  name: 'driftwarden-roles-workspace'
  scope: resourceGroup(workspaceResourceGroup)
  params: {
    principalId: app.outputs.principalId
    workspaceName: workspaceName
  }
}

module topicDeadLetters 'modules/roles-deadletter.bicep' = {
  name: 'driftwarden-deadletter-topic'
  scope: group
  params: {
    principalId: topic.outputs.principalId
    accountName: storage.outputs.name
  }
}

module logsDeadLetters 'modules/roles-deadletter.bicep' = {
  name: 'driftwarden-deadletter-logs'
  scope: group
  params: {
    principalId: logs.outputs.principalId
    accountName: storage.outputs.name
  }
}

module workspaceDeadLetters 'modules/roles-deadletter.bicep' = {
  name: 'driftwarden-deadletter-workspace'
  scope: group
  params: {
    principalId: workspace.outputs.principalId
    accountName: storage.outputs.name
  }
}

module watchdog 'modules/watchdog.bicep' = {
  name: 'driftwarden-watchdog'
  scope: group
  params: {
    location: location
    tags: tags
    operatorsEmail: operatorsEmail
    pageWebhook: pageWebhook
    ticketWebhook: ticketWebhook
    identityName: 'id-watchdog-${token}'
    analyticsName: 'log-${token}'
    insightsId: resourceId(
      subscription().subscriptionId,
      group.name,
      'Microsoft.Insights/components',
      'appi-${token}'
    )
    topicIds: {
      requests: topic.outputs.id
      logs: logs.outputs.id
      workspace: workspace.outputs.id
    }
    subscriptionName: 'driftwarden'
  }
  dependsOn: [monitoring]
}

module diagnostics 'modules/diagnostics.bicep' = {
  name: 'driftwarden-diagnostics'
  scope: group
  params: {
    analyticsId: monitoring.outputs.analyticsId
    appName: 'func-${token}'
    storageName: 'st${token}'
    topicName: 'evgt-${token}'
  }
  dependsOn: [app, storage, topic]
}

module logsDiagnostics 'modules/diagnostics-topic.bicep' = {
  name: 'driftwarden-diagnostics-logs-${token}'
  scope: resourceGroup(logsResourceGroup)
  params: {
    topicName: logsTopic
    analyticsId: monitoring.outputs.analyticsId
    settingName: 'driftwarden-${token}'
  }
  dependsOn: [logs]
}

module workspaceDiagnostics 'modules/diagnostics-topic.bicep' = {
  name: 'driftwarden-diagnostics-workspace-${token}'
  scope: resourceGroup(workspaceResourceGroup)
  params: {
    topicName: workspaceTopic
    analyticsId: monitoring.outputs.analyticsId
    settingName: 'driftwarden-${token}'
  }
  dependsOn: [workspace]
}

module endpointDiagnostics 'modules/diagnostics-endpoints.bicep' = {
  name: 'driftwarden-diagnostics-endpoints-${token}'
  scope: resourceGroup(workspaceResourceGroup)
  params: {
    workspaceName: workspaceName
    endpointNames: empty(trafficEndpoints) ? [] : split(trafficEndpoints, ',')
    analyticsId: monitoring.outputs.analyticsId
    settingName: 'driftwarden-${token}'
  }
}

// azd keeps these in its environment; the hook of azure.yaml passes them to subscriptions.bicep.
output AZURE_RESOURCE_GROUP string = group.name
output DRIFTWARDEN_URL string = app.outputs.url
output DRIFTWARDEN_APP_ID string = app.outputs.id
output DRIFTWARDEN_STORAGE_ID string = storage.outputs.id
output DRIFTWARDEN_TOPIC string = topic.outputs.name
output DRIFTWARDEN_LOGS_TOPIC string = logsTopic
output DRIFTWARDEN_WORKSPACE_TOPIC string = workspaceTopic
