metadata description = 'Tells of new log files: the system topic of the storage account that models log into.'

param accountName string
param topicName string
param tags object

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: accountName
}

resource topic 'Microsoft.EventGrid/systemTopics@2022-06-15' = {
  name: topicName
  location: account.location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    source: account.id
    topicType: 'Microsoft.Storage.StorageAccounts'
  }
}

output id string = topic.id
output principalId string = topic.identity.principalId
output blobEndpoint string = account.properties.primaryEndpoints.blob
