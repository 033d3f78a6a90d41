# Removes what azd down leaves: the lock, the role assignments, and the subscriptions and diagnostic settings of others' resources.
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true
az account set --subscription "$env:AZURE_SUBSCRIPTION_ID"

# The lock first: it protects the role assignments below it, too.
$lock = az lock list --resource "$env:DRIFTWARDEN_STORAGE_ID" --query "[?name=='driftwarden-state'].id" --output tsv
if ($lock) { az lock delete --ids $lock }

# A new identity cannot take over the assignments of a deleted one. They are listed by the subscription they lie in.
$subscriptions = "/subscriptions/$env:AZURE_SUBSCRIPTION_ID", "$env:DRIFTWARDEN_LOG_ANALYTICS_RESOURCE_ID" |
  Select-String -AllMatches '/subscriptions/([^/]+)' |
  ForEach-Object { $_.Matches } | ForEach-Object { $_.Groups[1].Value } | Sort-Object -Unique
foreach ($subscription in $subscriptions) {
  foreach ($principal in "$env:DRIFTWARDEN_PRINCIPAL_ID", "$env:DRIFTWARDEN_WATCHDOG_PRINCIPAL_ID") {
    if (-not $principal) { continue }
    $ids = az role assignment list --all --assignee $principal --subscription $subscription `
      --query "[].id" --output tsv
    foreach ($id in $ids) { az role assignment delete --ids $id }
  }
}

# The logs of a resource are no longer sent to the Log Analytics workspace.
function Remove-Setting($resource) {
  $setting = az monitor diagnostic-settings list --resource $resource `
    --query "[?name=='driftwarden-$env:DRIFTWARDEN_TOKEN'].name" --output tsv
  if ($setting) { az monitor diagnostic-settings delete --resource $resource --name $setting }
}
$endpoints = az resource list --resource-group $env:AZUREML_RESOURCE_GROUP `
  --resource-type Microsoft.MachineLearningServices/workspaces/onlineEndpoints --query "[].id" --output tsv
foreach ($endpoint in $endpoints) { Remove-Setting $endpoint }

# Our topic goes with its last subscription; a topic that somebody else owns stays.
function Remove-Subscription($group, $topic, $shared) {
  $found = az resource list --resource-group $group --resource-type Microsoft.EventGrid/systemTopics `
    --query "[?name=='$topic'].id" --output tsv
  if (-not $found) { return }
  Remove-Setting $found
  $names = az eventgrid system-topic event-subscription list --resource-group $group `
    --system-topic-name $topic --query "[].name" --output tsv
  $unused = $true
  foreach ($name in $names) {
    if ($name -eq "driftwarden-$env:DRIFTWARDEN_TOKEN") {
      az eventgrid system-topic event-subscription delete --yes --resource-group $group `
        --system-topic-name $topic --name $name
    }
    else { $unused = $false }
  }
  # Without delivery the topic is another environment's.
  if ($unused -and -not $shared -and $env:DRIFTWARDEN_DELIVERY -ne 'none') {
    az eventgrid system-topic delete --yes --resource-group $group --name $topic
  }
}
Remove-Subscription $env:DRIFTWARDEN_LOGS_RESOURCE_GROUP $env:DRIFTWARDEN_LOGS_TOPIC $env:DRIFTWARDEN_LOGS_SYSTEM_TOPIC
Remove-Subscription $env:AZUREML_RESOURCE_GROUP $env:DRIFTWARDEN_WORKSPACE_TOPIC $env:AZUREML_SYSTEM_TOPIC
