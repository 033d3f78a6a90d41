using './subscriptions.bicep'

// Outputs of main.bicep, which azd keeps in its environment.
param delivery = readEnvironmentVariable('DRIFTWARDEN_DELIVERY')
param resourceGroupName = readEnvironmentVariable('AZURE_RESOURCE_GROUP')
param token = readEnvironmentVariable('DRIFTWARDEN_TOKEN')
param appId = readEnvironmentVariable('DRIFTWARDEN_APP_ID')
param storageId = readEnvironmentVariable('DRIFTWARDEN_STORAGE_ID')
param topicName = readEnvironmentVariable('DRIFTWARDEN_TOPIC')
param workspaceTopicName = readEnvironmentVariable('DRIFTWARDEN_WORKSPACE_TOPIC')
param logsTopicName = readEnvironmentVariable('DRIFTWARDEN_LOGS_TOPIC')

// Set by the operator.
param workspaceResourceGroup = readEnvironmentVariable('AZUREML_RESOURCE_GROUP')
param logsResourceGroup = readEnvironmentVariable('DRIFTWARDEN_LOGS_RESOURCE_GROUP')
param logsContainer = readEnvironmentVariable('DRIFTWARDEN_LOGS_CONTAINER')
param logsPath = readEnvironmentVariable('DRIFTWARDEN_LOGS_PATH', '')
