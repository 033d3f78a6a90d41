metadata description = 'The Log Analytics workspace, where no existing one is used.'

@description('Name of the workspace.')
param name string

@description('Region.')
param location string

@description('Tags of the workspace.')
param tags object

resource analytics 'Microsoft.OperationalInsights/workspaces@2026-03-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: 90
    features: {
      disableLocalAuth: true
    }
  }
}
