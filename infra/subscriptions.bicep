metadata description = 'What follows the code: Event Grid subscribes only a function that exists.'

targetScope = 'subscription'

@description('Resource group that main.bicep made.')
param resourceGroupName string
param appId string
param storageId string
param topicName string

@description('System topic of the Azure Machine Learning workspace, and its resource group.')
param workspaceTopicName string
param workspaceResourceGroup string

@description('System topic of the logs account, its resource group, and the container that is watched.')
param logsTopicName string
param logsResourceGroup string
param logsContainer string

var functionId = '${appId}/functions/ingest'

module requests 'modules/requests.bicep' = {
  name: 'driftwarden-requests'
  scope: resourceGroup(resourceGroupName)
  params: {
    topicName: topicName
    functionId: functionId
    deadLetterAccountId: storageId
    eventTypes: [
      'Driftwarden.LabelsArrived'
      'Driftwarden.RetrainRequested'
    ]
  }
}

module logs 'modules/delivery.bicep' = {
  name: 'driftwarden-logs'
  scope: resourceGroup(logsResourceGroup)
  params: {
    topicName: logsTopicName
    functionId: functionId
    deadLetterAccountId: storageId
    eventTypes: [
      'Microsoft.Storage.BlobCreated'
    ]
    subjectBeginsWith: '/blobServices/default/containers/${logsContainer}/blobs/'
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

module workspace 'modules/delivery.bicep' = {
  name: 'driftwarden-workspace'
  scope: resourceGroup(workspaceResourceGroup)
  params: {
    topicName: workspaceTopicName
    functionId: functionId
    deadLetterAccountId: storageId
    eventTypes: [
      'Microsoft.MachineLearningServices.DatasetDriftDetected'
      'Microsoft.MachineLearningServices.ModelDeployed'
      'Microsoft.MachineLearningServices.ModelRegistered'
      'Microsoft.MachineLearningServices.RunCompleted'
      'Microsoft.MachineLearningServices.RunStatusChanged'
    ]
  }
}
