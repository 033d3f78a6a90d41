metadata description = 'A source that announces its events: its system topic, which is made or somebody else\'s, the roles of that topic, and the log of its delivery failures. Goes into the group of the source.'

@description('What the source is to the app, in names of deployments: logs or workspace.')
param part string

@description('Token in the names of the environment.')
param token string

@description('Name of the topic.')
param topicName string

@description('Resource id of the topic.')
param topicId string

@description('Whether the topic is made here, rather than read.')
param own bool

@description('Region of the source.')
param location string

@description('Tags of a topic that is made.')
param tags object

@description('Resource id of the source.')
param sourceId string

@description('Type of a topic of this source.')
param topicType string

@description('Resource group of the account of the queue and of the dead letters.')
param accountGroup string

@description('That account.')
param accountName string

@description('Whether the topic delivers to the queue.')
param toQueue bool

@description('Id of the Log Analytics workspace.')
param analyticsId string

@description('Name of the diagnostic setting, one of its own for each environment.')
param settingName string

module made 'source.bicep' = if (own) {
  name: 'driftwarden-source-${part}-${token}'
  params: {
    name: topicName
    location: location
    tags: tags
    sourceId: sourceId
    topicType: topicType
  }
}

module shared 'source-shared.bicep' = if (!own) {
  name: 'driftwarden-shared-${part}-${token}'
  params: {
    name: topicName
  }
}

module roles 'roles-topic.bicep' = {
  name: 'driftwarden-roles-topic-${part}'
  scope: resourceGroup(accountGroup)
  params: {
    principalId: own ? made!.outputs.principalId : shared!.outputs.principalId
    topicId: topicId
    accountName: accountName
    toQueue: toQueue
  }
}

module diagnostics 'diagnostics-topic.bicep' = {
  name: 'driftwarden-diagnostics-${part}-${token}'
  params: {
    topicName: topicName
    analyticsId: analyticsId
    settingName: settingName
  }
  dependsOn: [made]
}
