# Subscribes the app to Event Grid, as soon as the function to deliver to is listed.
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $false
if ($env:DRIFTWARDEN_DELIVERY -eq 'none') { exit 0 }
$tries = 1
while ($env:DRIFTWARDEN_DELIVERY -eq 'function') {
  az functionapp function show --output none --only-show-errors `
    --subscription "$env:AZURE_SUBSCRIPTION_ID" --resource-group "$env:AZURE_RESOURCE_GROUP" `
    --name "$env:DRIFTWARDEN_APP" --function-name ingest
  if ($LASTEXITCODE -eq 0) { break }
  if ($tries -ge 30) {
    throw "$env:DRIFTWARDEN_APP does not list its function ingest: see its log, then run azd deploy"
  }
  $tries++
  Start-Sleep -Seconds 10
}
az deployment sub create --output none --name "driftwarden-subscriptions-$env:DRIFTWARDEN_TOKEN" `
  --subscription "$env:AZURE_SUBSCRIPTION_ID" --location "$env:AZURE_LOCATION" `
  --parameters infra/subscriptions.bicepparam
exit $LASTEXITCODE
