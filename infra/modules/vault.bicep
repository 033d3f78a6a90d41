metadata description = 'The key vault for secrets that app settings refer to, such as the addresses of webhooks.'

@description('Name of the vault.')
param name string

@description('Region.')
param location string

@description('Tags of the vault.')
param tags object

@description('Whether the vault is reachable other than through its private endpoint.')
param publicAccess bool

resource vault 'Microsoft.KeyVault/vaults@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 7
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: publicAccess ? 'Allow' : 'Deny'
    }
  }
}
