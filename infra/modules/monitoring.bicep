metadata description = 'Application Insights, whose rows lie in the Log Analytics workspace.'

@description('Name of Application Insights.')
param name string

@description('Id of the Log Analytics workspace; may be in another region or subscription.')
param analyticsId string

@description('Region.')
param location string

@description('Tags of Application Insights.')
param tags object

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: name
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: analyticsId
    DisableLocalAuth: true
  }
}

@description('Address that telemetry is sent to; the key in it is not accepted.')
output connectionString string = insights.properties.ConnectionString
