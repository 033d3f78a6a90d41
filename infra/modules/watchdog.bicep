metadata description = 'Watches the watcher: mails the operators when it stands still or loses something.'

param location string
param tags object
param operatorsEmail string
param analyticsId string

@description('Event Grid topics by a short name; each is watched for dead letters.')
param topicIds object

resource operators 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'driftwarden-operators'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'driftwarden'
    enabled: true
    emailReceivers: [
      {
        name: 'operators'
        emailAddress: operatorsEmail
        useCommonAlertSchema: true
      }
    ]
  }
}

// AppMetrics holds one row per metric, attribute set and export; Sum is the gauge's value or the
// counter's increase. Windows are in minutes of ISO 8601.
var rules = [
  {
    name: 'driftwarden-heartbeat'
    severity: 1
    description: 'No tick for 15 minutes: nothing is monitored now.'
    query: 'AppMetrics | where Name == "driftwarden.heartbeat"'
    aggregation: 'Count'
    operator: 'LessThan'
    threshold: 1
    periods: 1
    perModel: false
  }
  {
    name: 'driftwarden-effects-oldest'
    severity: 1
    description: 'An effect has been owed for over 30 minutes: pages, traffic or training wait.'
    query: 'AppMetrics | where Name == "driftwarden.effects.oldest" | extend model = tostring(Properties.model)'
    aggregation: 'Maximum'
    operator: 'GreaterThan'
    threshold: 1800
    periods: 2
    perModel: true
  }
  {
    name: 'driftwarden-partition-halted'
    severity: 1
    description: 'A defect stopped the partition of a model; it takes nothing in until it is released.'
    query: 'AppMetrics | where Name == "driftwarden.partition.halted" | extend model = tostring(Properties.model)'
    aggregation: 'Maximum'
    operator: 'GreaterThan'
    threshold: 0
    periods: 1
    perModel: true
  }
  {
    name: 'driftwarden-receivers-unreachable'
    severity: 1
    description: 'Pages do not get to a receiver of a team; its other receivers are paged instead.'
    query: 'AppMetrics | where Name == "driftwarden.receivers.unreachable" | extend model = tostring(Properties.model)'
    aggregation: 'Maximum'
    operator: 'GreaterThan'
    threshold: 0
    periods: 1
    perModel: true
  }
  {
    name: 'driftwarden-events-refused'
    severity: 2
    description: 'Events were refused and parked with their reasons in the queue driftwarden-refused.'
    query: 'AppMetrics | where Name == "driftwarden.waiting" and Properties.place == "driftwarden-refused"'
    aggregation: 'Maximum'
    operator: 'GreaterThan'
    threshold: 0
    periods: 1
    perModel: false
  }
  {
    name: 'driftwarden-queue-poison'
    severity: 2
    description: 'Doorbell messages failed five times and lie in the queue driftwarden-due-poison.'
    query: 'AppMetrics | where Name == "driftwarden.waiting" and Properties.place endswith "-poison"'
    aggregation: 'Maximum'
    operator: 'GreaterThan'
    threshold: 0
    periods: 1
    perModel: false
  }
]

resource alerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in rules: {
    name: rule.name
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: rule.name
      description: rule.description
      severity: rule.severity
      enabled: true
      autoMitigate: true
      scopes: [analyticsId]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: rule.aggregation
            metricMeasureColumn: rule.aggregation == 'Count' ? null : 'Sum'
            dimensions: rule.perModel ? [{ name: 'model', operator: 'Include', values: ['*'] }] : []
            operator: rule.operator
            threshold: rule.threshold
            failingPeriods: {
              numberOfEvaluationPeriods: rule.periods
              minFailingPeriodsToAlert: rule.periods
            }
          }
        ]
      }
      actions: {
        actionGroups: [operators.id]
      }
    }
  }
]

resource deadLetters 'Microsoft.Insights/metricAlerts@2018-03-01' = [
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
            timeAggregation: 'Total'
            operator: 'GreaterThan'
            threshold: 0
          }
        ]
      }
      actions: [
        {
          actionGroupId: operators.id
        }
      ]
    }
  }
]
