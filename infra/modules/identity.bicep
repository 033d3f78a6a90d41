metadata description = 'The identity of the app. It exists before the app, so that its roles hold when the app first starts.'

@description('Name of the identity.')
param name string

@description('Region.')
param location string

@description('Tags of the identity.')
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags
}

@description('Object id: roles are assigned to it.')
output principalId string = identity.properties.principalId

@description('Client id: tokens are requested with it.')
output clientId string = identity.properties.clientId
