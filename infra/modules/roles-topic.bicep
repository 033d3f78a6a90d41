metadata description = 'Roles of one Event Grid topic: it puts events into the queue, and undeliverable ones into the container.'

@description('Identity that the topic delivers with.')
param principalId string

@description('Resource id of the topic. Names of assignments come from it.')
param topicId string

@description('Account of the queue and the container.')
param accountName string

@description('Whether the topic delivers to the queue.')
param toQueue bool

var roles = loadJsonContent('../roles.json', 'definitions')

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: accountName

  resource blobs 'blobServices' existing = {
    name: 'default'

    resource deadletter 'containers' existing = {
      name: 'deadletter'
    }
  }

  resource queues 'queueServices' existing = {
    name: 'default'

    resource events 'queues' existing = {
      name: 'events'
    }
  }
}

resource delivers 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (toQueue) {
  name: guid(toLower(account::queues::events.id), toLower(topicId), roles.storageQueueDataMessageSender.id)
  scope: account::queues::events
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(
      'Microsoft.Authorization/roleDefinitions',
      roles.storageQueueDataMessageSender.id
    )
  }
}

resource putsDeadLetters 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(toLower(account::blobs::deadletter.id), toLower(topicId), roles.storageBlobDataContributor.id)
  scope: account::blobs::deadletter
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(
      'Microsoft.Authorization/roleDefinitions',
      roles.storageBlobDataContributor.id
    )
  }
}
