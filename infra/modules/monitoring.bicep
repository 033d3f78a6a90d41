metadata description = 'Where telemetry, and the logs that models write, are kept.'

@description('Name of the Log Analytics workspace.')
param workspaceName string

@description('Name of Application Insights.')
param insightsName string

@description('Region.')
param location string

@description('Tags of both.')
param tags object

resource analytics 'Microsoft.OperationalInsights/workspaces@2025-07-01' = {
  name: workspaceName
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

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: insightsName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: analytics.id
    DisableLocalAuth: true
  }
}

@description('Id of the workspace for queries.')
output analyticsCustomerId string = analytics.properties.customerId

@description('Address that telemetry is sent to; the key in it is not accepted.')
output connectionString string = insights.properties.ConnectionString
