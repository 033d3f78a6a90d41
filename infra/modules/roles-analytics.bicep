metadata description = 'Role of the app on the Log Analytics workspace: querying; goes into the group of the workspace.'

@description('Object id that the role is assigned to.')
param principalId string

@description('Name of the identity. Names of assignments come from it: they are known before the identity exists.')
param identityName string

@description('Log Analytics workspace that the app queries.')
param analyticsName string

var roles = loadJsonContent('../roles.json', 'definitions')

resource analytics 'Microsoft.OperationalInsights/workspaces@2026-03-01' existing = {
  name: analyticsName
}

resource queriesLogs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(toLower(analytics.id), identityName, roles.logAnalyticsDataReader.id)
  scope: analytics
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.logAnalyticsDataReader.id)
  }
}
