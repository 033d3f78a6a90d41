metadata description = 'Lets the identity of the alert rules query the Log Analytics workspace; goes into the group of the workspace.'

@description('Log Analytics workspace.')
param analyticsName string

@description('Principal of the identity.')
param principalId string

@description('Name of the identity. The name of the assignment comes from it.')
param identityName string

var roles = loadJsonContent('../roles.json', 'definitions')

resource analytics 'Microsoft.OperationalInsights/workspaces@2026-03-01' existing = {
  name: analyticsName
}

resource queriesMetrics 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(toLower(analytics.id), identityName, roles.logAnalyticsReader.id)
  scope: analytics
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.logAnalyticsReader.id)
  }
}
