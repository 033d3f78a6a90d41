metadata description = 'Reads the region of the workspace. A location that is another module\'s output may be used where a location is needed at the start.'

@description('Azure Machine Learning workspace.')
param workspaceName string

resource workspace 'Microsoft.MachineLearningServices/workspaces@2025-12-01' existing = {
  name: workspaceName
}

@description('Region of the workspace.')
output location string = workspace.location
