metadata description = 'Role of the app on the Azure Machine Learning workspace: everything but changing the workspace or its computes.'

@description('Object id that the role is assigned to.')
param principalId string

@description('Name of the identity. Names of assignments come from it: they are known before the identity exists.')
param identityName string

@description('Azure Machine Learning workspace.')
param workspaceName string

var roles = loadJsonContent('../roles.json', 'definitions')

resource workspace 'Microsoft.MachineLearningServices/workspaces@2025-12-01' existing = {
  name: workspaceName
}

resource trainsAndServes 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(toLower(workspace.id), identityName, roles.azureMLDataScientist.id)
  scope: workspace
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.azureMLDataScientist.id)
  }
}

// Alerts are listed around the workspace, and those on its endpoints are not below it.
resource readsMonitoring 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(toLower(resourceGroup().id), identityName, roles.monitoringReader.id)
  scope: resourceGroup()
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.monitoringReader.id)
  }
}
