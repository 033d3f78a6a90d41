metadata description = 'Tells of runs and models: the system topic of the Azure Machine Learning workspace.'

param workspaceName string
param topicName string
param tags object

resource workspace 'Microsoft.MachineLearningServices/workspaces@2024-04-01' existing = {
  name: workspaceName
}

resource topic 'Microsoft.EventGrid/systemTopics@2022-06-15' = {
  name: topicName
  location: workspace.location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    source: workspace.id
    topicType: 'Microsoft.MachineLearningServices.Workspaces'
  }
}

output id string = topic.id
output principalId string = topic.identity.principalId
