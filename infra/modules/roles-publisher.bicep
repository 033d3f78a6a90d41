metadata description = 'Role of the app on its own topic: publishing.'

@description('Object id that the role is assigned to.')
param principalId string

@description('Name of the identity. Names of assignments come from it: they are known before the identity exists.')
param identityName string

@description('Topic that the app publishes to.')
param topicName string

var roles = loadJsonContent('../roles.json', 'definitions')

resource topic 'Microsoft.EventGrid/topics@2025-02-15' existing = {
  name: topicName
}

resource publishesEvents 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(toLower(topic.id), identityName, roles.eventGridDataSender.id)
  scope: topic
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.eventGridDataSender.id)
  }
}
