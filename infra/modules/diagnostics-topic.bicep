metadata description = 'Sends the delivery failures of a system topic to the Log Analytics workspace; goes into the group of the topic.'

@description('System topic.')
param topicName string

@description('Id of the Log Analytics workspace.')
param analyticsId string

@description('Name of the setting, one of its own for each environment.')
param settingName string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: settingName
  scope: topic
  properties: {
    workspaceId: analyticsId
    logs: [
      {
        category: 'DeliveryFailures'
        enabled: true
      }
    ]
  }
}
