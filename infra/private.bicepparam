using './main.bicep'

// No public address. Event Grid can deliver only from public addresses, so the app lists new files and asks for runs.
param source = 'poll'
param vnetEnabled = true
param addressPrefix = readEnvironmentVariable('DRIFTWARDEN_ADDRESS_PREFIX', '10.90.0.0/25')
param appSubnetId = readEnvironmentVariable('DRIFTWARDEN_APP_SUBNET_ID', '')
param endpointSubnetId = readEnvironmentVariable('DRIFTWARDEN_ENDPOINT_SUBNET_ID', '')
param dnsZones = readEnvironmentVariable('DRIFTWARDEN_DNS_ZONES', 'own')
param dnsZonesGroupId = readEnvironmentVariable('DRIFTWARDEN_DNS_ZONES_GROUP_ID', '')

// The same in every mode.
param environmentName = readEnvironmentVariable('AZURE_ENV_NAME')
param location = readEnvironmentVariable('AZURE_LOCATION')
param owner = readEnvironmentVariable('DRIFTWARDEN_OWNER')
param costCentre = readEnvironmentVariable('DRIFTWARDEN_COST_CENTRE')
param workspaceName = readEnvironmentVariable('AZUREML_WORKSPACE_NAME')
param workspaceResourceGroup = readEnvironmentVariable('AZUREML_RESOURCE_GROUP')
param logsAccountName = readEnvironmentVariable('DRIFTWARDEN_LOGS_ACCOUNT')
param logsResourceGroup = readEnvironmentVariable('DRIFTWARDEN_LOGS_RESOURCE_GROUP')
param logsContainer = readEnvironmentVariable('DRIFTWARDEN_LOGS_CONTAINER')
param moreLogsContainers = json(readEnvironmentVariable('DRIFTWARDEN_MORE_LOGS_CONTAINERS', '[]'))
param fleet = readEnvironmentVariable('DRIFTWARDEN_FLEET', 'fleet.yaml')
param alwaysReady = json(readEnvironmentVariable('DRIFTWARDEN_ALWAYS_READY', '[]'))
param extraSettings = json(readEnvironmentVariable('DRIFTWARDEN_APP_SETTINGS', '{}'))
param retiredSettings = json(readEnvironmentVariable('DRIFTWARDEN_RETIRED_SETTINGS', '[]'))
param logAnalyticsWorkspaceId = readEnvironmentVariable('DRIFTWARDEN_LOG_ANALYTICS_RESOURCE_ID', '')
param signInClientId = readEnvironmentVariable('DRIFTWARDEN_SIGN_IN_CLIENT_ID', '')
param signInGroups = json(readEnvironmentVariable('DRIFTWARDEN_SIGN_IN_GROUPS', '[]'))
param anonymousPages = bool(readEnvironmentVariable('DRIFTWARDEN_ANONYMOUS_PAGES', 'false'))
param operatorsEmail = readEnvironmentVariable('DRIFTWARDEN_OPERATORS_EMAIL')
param pageWebhook = readEnvironmentVariable('DRIFTWARDEN_PAGE_WEBHOOK', '')
param ticketWebhook = readEnvironmentVariable('DRIFTWARDEN_TICKET_WEBHOOK', '')
param trafficEndpoints = json(readEnvironmentVariable('DRIFTWARDEN_TRAFFIC_ENDPOINTS', '[]'))
param budgetAmount = int(readEnvironmentVariable('DRIFTWARDEN_BUDGET', '0'))
param budgetStart = readEnvironmentVariable('DRIFTWARDEN_BUDGET_START', '')
param locked = bool(readEnvironmentVariable('DRIFTWARDEN_LOCKED', 'true'))
