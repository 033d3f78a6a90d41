#!/bin/sh
# Subscribes the app to Event Grid, as soon as the function to deliver to is listed.
set -eu
if [ "$DRIFTWARDEN_DELIVERY" = none ]; then
  exit 0
fi
tries=1
while [ "$DRIFTWARDEN_DELIVERY" = function ] && ! az functionapp function show --output none \
  --only-show-errors --subscription "$AZURE_SUBSCRIPTION_ID" \
  --resource-group "$AZURE_RESOURCE_GROUP" --name "$DRIFTWARDEN_APP" --function-name ingest; do
  if [ $tries -ge 30 ]; then
    echo "$DRIFTWARDEN_APP does not list its function ingest: see its log, then run azd deploy" >&2
    exit 1
  fi
  tries=$((tries + 1))
  sleep 10
done
az deployment sub create --output none --name "driftwarden-subscriptions-$DRIFTWARDEN_TOKEN" \
  --subscription "$AZURE_SUBSCRIPTION_ID" --location "$AZURE_LOCATION" \
  --parameters infra/subscriptions.bicepparam
