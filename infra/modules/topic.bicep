metadata description = 'The topic that drift, alert, retrain and rollout events are published to.'

@description('Name of the topic.')
param name string

@description('Region.')
param location string

@description('Tags of the topic.')
param tags object

@description('Whether events can be published other than through the private endpoint.')
param publicAccess bool

resource topic 'Microsoft.EventGrid/topics@2025-02-15' = {
  name: name
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    inputSchema: 'CloudEventSchemaV1_0'
    disableLocalAuth: true
    minimumTlsVersionAllowed: '1.2'
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
  }
}

@description('URL that events are published to.')
output endpoint string = topic.properties.endpoint

@description('Identity that the topic delivers with.')
output principalId string = topic.identity.principalId
