metadata description = 'Where telemetry, and the logs that models write, are kept.'

param workspaceName string
param insightsName string
param location string
param tags object

resource analytics 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
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

output analyticsName string = analytics.name
output analyticsId string = analytics.id
output analyticsCustomerId string = analytics.properties.customerId
output insightsName string = insights.name
output connectionString string = insights.properties.ConnectionString
