#!/bin/sh
# Removes what azd down leaves: the lock, the role assignments, and the subscriptions and diagnostic settings of others' resources.
set -eu
az account set --subscription "$AZURE_SUBSCRIPTION_ID"

# The lock first: it protects the role assignments below it, too.
lock=$(az lock list --resource "$DRIFTWARDEN_STORAGE_ID" --query "[?name=='driftwarden-state'].id" --output tsv)
if [ -n "$lock" ]; then
  az lock delete --ids "$lock"
fi

# A new identity cannot take over the assignments of a deleted one. They are listed by the subscription they lie in.
subscriptions=$(printf '%s\n' "/subscriptions/$AZURE_SUBSCRIPTION_ID" "${DRIFTWARDEN_LOG_ANALYTICS_RESOURCE_ID:-}" |
  grep -io '/subscriptions/[^/]*' | cut -d / -f 3 | sort -u)
for subscription in $subscriptions; do
  for principal in "$DRIFTWARDEN_PRINCIPAL_ID" "${DRIFTWARDEN_WATCHDOG_PRINCIPAL_ID:-}"; do
    if [ -z "$principal" ]; then
      continue
    fi
    ids=$(az role assignment list --all --assignee "$principal" --subscription "$subscription" \
      --query "[].id" --output tsv)
    for id in $ids; do
      az role assignment delete --ids "$id"
    done
  done
done

# Argument: the resource whose logs are sent to the Log Analytics workspace.
unlog() {
  setting=$(az monitor diagnostic-settings list --resource "$1" \
    --query "[?name=='driftwarden-$DRIFTWARDEN_TOKEN'].name" --output tsv)
  if [ -n "$setting" ]; then
    az monitor diagnostic-settings delete --resource "$1" --name "$setting"
  fi
}
endpoints=$(az resource list --resource-group "$AZUREML_RESOURCE_GROUP" \
  --resource-type Microsoft.MachineLearningServices/workspaces/onlineEndpoints --query "[].id" --output tsv)
for endpoint in $endpoints; do
  unlog "$endpoint"
done

# Arguments: group, topic, and the name of a topic that somebody else owns. Our topic goes with its last subscription.
unsubscribe() {
  found=$(az resource list --resource-group "$1" --resource-type Microsoft.EventGrid/systemTopics \
    --query "[?name=='$2'].id" --output tsv)
  if [ -z "$found" ]; then
    return
  fi
  unlog "$found"
  names=$(az eventgrid system-topic event-subscription list --resource-group "$1" \
    --system-topic-name "$2" --query "[].name" --output tsv)
  unused=yes
  for name in $names; do
    if [ "$name" = "driftwarden-$DRIFTWARDEN_TOKEN" ]; then
      az eventgrid system-topic event-subscription delete --yes --resource-group "$1" \
        --system-topic-name "$2" --name "$name"
    else
      unused=no
    fi
  done
  # Without delivery the topic is another environment's.
  if [ $unused = yes ] && [ -z "$3" ] && [ "$DRIFTWARDEN_DELIVERY" != none ]; then
    az eventgrid system-topic delete --yes --resource-group "$1" --name "$2"
  fi
}
unsubscribe "$DRIFTWARDEN_LOGS_RESOURCE_GROUP" "$DRIFTWARDEN_LOGS_TOPIC" "${DRIFTWARDEN_LOGS_SYSTEM_TOPIC:-}"
unsubscribe "$AZUREML_RESOURCE_GROUP" "$DRIFTWARDEN_WORKSPACE_TOPIC" "${AZUREML_SYSTEM_TOPIC:-}"
