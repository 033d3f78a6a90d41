metadata description = 'Sends the logs of the app, its storage account and its topic to the Log Analytics workspace.'

@description('Id of the Log Analytics workspace.')
param analyticsId string

@description('Name of the Functions app.')
param appName string

@description('Storage account of the app.')
param storageName string

@description('Our own topic; none where empty.')
param topicName string = ''

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  name: appName
}

// The host's own lines: they say why an app does not start, which our telemetry cannot.
resource appLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'driftwarden'
  scope: app
  properties: {
    workspaceId: analyticsId
    logs: [
      {
        category: 'FunctionAppLogs'
        enabled: true
      }
    ]
  }
}

resource storage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageName

  resource blobs 'blobServices' existing = {
    name: 'default'
  }

  resource tables 'tableServices' existing = {
    name: 'default'
  }
}

// Who deleted evidence. The account itself has no such categories; reads and writes are too many.
resource blobLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'driftwarden'
  scope: storage::blobs
  properties: {
    workspaceId: analyticsId
    logs: [
      {
        category: 'StorageDelete'
        enabled: true
      }
    ]
  }
}

resource tableLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'driftwarden'
  scope: storage::tables
  properties: {
    workspaceId: analyticsId
    logs: [
      {
        category: 'StorageDelete'
        enabled: true
      }
    ]
  }
}

resource topic 'Microsoft.EventGrid/topics@2025-02-15' existing = if (!empty(topicName)) {
  name: topicName
}

resource topicLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (!empty(topicName)) {
  name: 'driftwarden'
  scope: topic
  properties: {
    workspaceId: analyticsId
    logs: [
      for category in ['DeliveryFailures', 'PublishFailures']: {
        category: category
        enabled: true
      }
    ]
  }
}
