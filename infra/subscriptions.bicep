metadata description = 'Event Grid\'s subscriptions. They are deployed after the code, because Event Grid subscribes only a function that exists.'

targetScope = 'subscription'

@description('Destination of the deliveries; with none nothing is subscribed.')
@allowed(['function', 'queue', 'none'])
param delivery string

@description('Resource group of the environment.')
param resourceGroupName string

@description('Token in the names of the environment.')
param token string

@description('Resource id of the app.')
param appId string

@description('Resource id of the account of the queue and of the dead letters.')
param storageId string

@description('Topic of the app.')
param topicName string

@description('System topic of the Azure Machine Learning workspace.')
param workspaceTopicName string

@description('Resource group of the workspace.')
param workspaceResourceGroup string

@description('System topic of the logs account.')
param logsTopicName string

@description('Resource group of the logs account.')
param logsResourceGroup string

@description('Container of that account that is watched.')
param logsContainer string

@description('Beginning of the paths in that container that are watched, such as modelDataCollector/; all where empty.')
param logsPath string

// Topics are shared between environments, so the name carries the token.
var name = 'driftwarden-${token}'
var functionId = '${appId}/functions/ingest'

module requests 'modules/requests.bicep' = if (delivery != 'none') {
  name: 'driftwarden-requests'
  scope: resourceGroup(resourceGroupName)
  params: {
    topicName: topicName
    name: name
    toQueue: delivery == 'queue'
    functionId: functionId
    accountId: storageId
    eventTypes: [
      'Driftwarden.Changed'
      'Driftwarden.LabelsArrived'
      'Driftwarden.RetrainRequested'
    ]
  }
}

module logs 'modules/delivery.bicep' = if (delivery != 'none') {
  name: 'driftwarden-logs-${token}'
  scope: resourceGroup(logsResourceGroup)
  params: {
    topicName: logsTopicName
    name: name
    toQueue: delivery == 'queue'
    functionId: functionId
    accountId: storageId
    eventTypes: [
      'Microsoft.Storage.BlobCreated'
    ]
    subjectBeginsWith: '/blobServices/default/containers/${logsContainer}/blobs/${logsPath}'
    // With Data Lake Storage an empty file is announced first; FlushWithClose follows with its size.
    advancedFilters: [
      {
        operatorType: 'StringNotIn'
        key: 'data.api'
        values: ['CreateFile']
      }
    ]
  }
}

module workspace 'modules/delivery.bicep' = if (delivery != 'none') {
  name: 'driftwarden-workspace-${token}'
  scope: resourceGroup(workspaceResourceGroup)
  params: {
    topicName: workspaceTopicName
    name: name
    toQueue: delivery == 'queue'
    functionId: functionId
    accountId: storageId
    eventTypes: [
      'Microsoft.MachineLearningServices.DatasetDriftDetected'
      'Microsoft.MachineLearningServices.ModelDeployed'
      'Microsoft.MachineLearningServices.ModelRegistered'
      'Microsoft.MachineLearningServices.RunCompleted'
      'Microsoft.MachineLearningServices.RunStatusChanged'
    ]
  }
}
