metadata description = 'Watches the watcher: tells the operators when it stands still or loses something.'

@description('Region of the identity.')
param location string

@description('Region of the rules; that of the Log Analytics workspace.')
param rulesLocation string

@description('Tags of everything here.')
param tags object

@description('Address that gets the mails.')
param operatorsEmail string

@description('Address that pages are posted to; none where empty.')
@secure()
param pageWebhook string = ''

@description('Address that tickets are posted to; none where empty.')
@secure()
param ticketWebhook string = ''

@description('Name of the identity that the rules query as.')
param identityName string

@description('Id of the Log Analytics workspace that the rules query; may be another group\'s.')
param analyticsId string

@description('Token in the name of the deployment in the group of the workspace.')
param token string

@description('Id of the Application Insights of the app: rows of other apps may lie in the same workspace.')
param insightsId string

@description('Event Grid topics by a short name; each is watched for dead letters.')
param topicIds object

@description('Name of our event subscription on each topic; others of a shared topic are not watched.')
param subscriptionName string

// Every rule queries `metrics`: our own rows, and no row where the workspace has no table yet.
var ownGroup = resourceGroup().id
var metrics = replace(loadJsonContent('../watchdog.json', 'metrics'), '__INSIGHTS_ID__', insightsId)
var rules = loadJsonContent('../watchdog.json', 'rules')
var analyticsPath = split(analyticsId, '/')

module actions 'actions.bicep' = {
  name: 'driftwarden-actions'
  params: {
    tags: tags
    email: operatorsEmail
    pageWebhook: pageWebhook
    ticketWebhook: ticketWebhook
  }
}

resource reader 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: identityName
  location: location
  tags: tags
}

module readerRoles 'roles-watchdog.bicep' = {
  name: 'driftwarden-roles-watchdog-${token}'
  scope: resourceGroup(analyticsPath[2], analyticsPath[4])
  params: {
    analyticsName: analyticsPath[8]
    principalId: reader.properties.principalId
    identityName: identityName
  }
}

resource alerts 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for rule in rules: {
    name: 'driftwarden-${rule.name}'
    location: rulesLocation
    tags: tags
    kind: 'LogAlert'
    // Without an identity a rule keeps the rights that its last writer had then.
    identity: {
      type: 'UserAssigned'
      userAssignedIdentities: {
        '${reader.id}': {}
      }
    }
    properties: {
      displayName: 'driftwarden-${rule.name}'
      description: rule.description
      severity: rule.severity
      enabled: true
      autoMitigate: true
      // The workspace knows a table only some time after its first row.
      skipQueryValidation: true
      scopes: [analyticsId]
      evaluationFrequency: rule.every
      windowSize: 'PT15M'
      overrideQueryTimeRange: rule.range
      criteria: {
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            query: '${metrics} ${rule.query}'
            timeAggregation: rule.aggregation
            metricMeasureColumn: 'value'
            dimensions: [
              for dimension in rule.dimensions: {
                name: dimension
                operator: 'Include'
                values: ['*']
              }
            ]
            operator: rule.operator
            threshold: rule.threshold
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: [rule.group == 'page' ? actions.outputs.pageId : actions.outputs.ticketId]
      }
    }
    dependsOn: [readerRoles]
  }
]

// A rule whose query failed for a week is switched off by the service, which says so here alone.
resource disabled 'Microsoft.Insights/activityLogAlerts@2026-01-01' = {
  name: 'driftwarden-rule-disabled'
  location: 'global'
  tags: tags
  properties: {
    description: 'An alert rule of this resource group was switched off.'
    enabled: true
    scopes: [ownGroup]
    condition: {
      allOf: [
        {
          field: 'category'
          equals: 'Administrative'
        }
        {
          field: 'operationName'
          equals: 'Microsoft.Insights/ScheduledQueryRules/disable/action'
        }
      ]
    }
    actions: {
      actionGroups: [
        {
          actionGroupId: actions.outputs.pageId
        }
      ]
    }
  }
}

resource deadLetters 'Microsoft.Insights/metricAlerts@2026-01-01' = [
  for topic in items(topicIds): {
    name: 'driftwarden-deadletter-${topic.key}'
    location: 'global'
    tags: tags
    properties: {
      description: 'Event Grid gave up on events of this topic; they lie in the container deadletter.'
      severity: 2
      enabled: true
      autoMitigate: true
      scopes: [topic.value]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: 'dead-lettered'
            metricName: 'DeadLetteredCount'
            dimensions: [
              {
                name: 'EventSubscriptionName'
                operator: 'Include'
                values: [subscriptionName]
              }
            ]
            timeAggregation: 'Total'
            operator: 'GreaterThan'
            threshold: 0
          }
        ]
      }
      actions: [
        {
          actionGroupId: actions.outputs.ticketId
        }
      ]
    }
  }
]

@description('Object id of the identity of the rules.')
output principalId string = reader.properties.principalId
