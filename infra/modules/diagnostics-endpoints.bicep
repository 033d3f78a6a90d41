metadata description = 'Sends the traffic logs of watched online endpoints to the Log Analytics workspace; goes into the group of the Azure Machine Learning workspace.'

@description('Azure Machine Learning workspace of the endpoints.')
param workspaceName string

@description('Online endpoints that send their traffic log to that Log Analytics workspace by no other setting: a second one is refused (409).')
param endpointNames array

@description('Id of the Log Analytics workspace.')
param analyticsId string

@description('Name of the setting, one of its own for each environment.')
param settingName string

resource workspace 'Microsoft.MachineLearningServices/workspaces@2025-12-01' existing = {
  name: workspaceName
}

resource endpoints 'Microsoft.MachineLearningServices/workspaces/onlineEndpoints@2025-12-01' existing = [
  for name in endpointNames: {
    parent: workspace
    name: name
  }
]

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = [
  for (name, index) in endpointNames: {
    name: settingName
    scope: endpoints[index]
    properties: {
      workspaceId: analyticsId
      logs: [
        {
          category: 'AmlOnlineEndpointTrafficLog'
          enabled: true
        }
      ]
    }
  }
]
