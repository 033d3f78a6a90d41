metadata description = 'The system topic of one source: the storage account of the logs or the Azure Machine Learning workspace.'

@description('Name of the topic.')
param name string

@description('Region of the source; a system topic is in the region of its source.')
param location string

@description('Tags of the topic; without that of an environment, because every environment that watches the source uses this topic.')
param tags object

@description('Resource id of the source.')
param sourceId string

@description('Kind of the source, such as Microsoft.Storage.StorageAccounts.')
param topicType string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: name
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    source: sourceId
    topicType: topicType
  }
}

@description('Identity that the topic delivers with.')
output principalId string = topic.identity.principalId

