metadata description = 'Role of the app on the container of the logs: reading.'

@description('Object id that the role is assigned to.')
param principalId string

@description('Name of the identity. Names of assignments come from it: they are known before the identity exists.')
param identityName string

@description('Storage account of the logs.')
param accountName string

@description('Container of the logs.')
param containerName string

var roles = loadJsonContent('../roles.json', 'definitions')

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: accountName

  resource blobs 'blobServices' existing = {
    name: 'default'

    resource logs 'containers' existing = {
      name: containerName
    }
  }
}

resource readsLogs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(toLower(account::blobs::logs.id), identityName, roles.storageBlobDataReader.id)
  scope: account::blobs::logs
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageBlobDataReader.id)
  }
}
