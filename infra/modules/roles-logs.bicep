metadata description = 'What the app may do with the container that the models log into: read it.'

param principalId string
param accountName string
param containerName string

var roles = loadJsonContent('../roles.json', 'definitions')

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: accountName

  resource blobs 'blobServices' existing = {
    name: 'default'

    resource logs 'containers' existing = {
      name: containerName
    }
  }
}

resource readsLogs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account::blobs::logs.id, principalId, roles.storageBlobDataReader.id)
  scope: account::blobs::logs
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageBlobDataReader.id)
  }
}
