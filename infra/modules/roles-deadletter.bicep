metadata description = 'Lets one Event Grid topic put what it could not deliver into the dead-letter container.'

param principalId string
param accountName string

var roles = loadJsonContent('../roles.json', 'definitions')

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: accountName

  resource blobs 'blobServices' existing = {
    name: 'default'

    resource deadletter 'containers' existing = {
      name: 'deadletter'
    }
  }
}

resource putsDeadLetters 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account::blobs::deadletter.id, principalId, roles.storageBlobDataContributor.id)
  scope: account::blobs::deadletter
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageBlobDataContributor.id)
  }
}
