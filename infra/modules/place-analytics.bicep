metadata description = 'Reads the Log Analytics workspace, which may be another group\'s.'

@description('Log Analytics workspace.')
param analyticsName string

resource analytics 'Microsoft.OperationalInsights/workspaces@2026-03-01' existing = {
  name: analyticsName
}

@description('Region of the workspace.')
output location string = analytics.location

@description('Id of the workspace for queries.')
output customerId string = analytics.properties.customerId
