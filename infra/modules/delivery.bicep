metadata description = 'The subscription of one environment to a system topic; undeliverable events are kept as dead letters.'

@description('Name of the topic.')
param topicName string

@description('Name of the subscription.')
param name string

@description('Deliver to the queue, with the identity of the topic, rather than to the function.')
param toQueue bool

@description('Resource id of the function.')
param functionId string

@description('Resource id of the account of the queue and of the dead letters.')
param accountId string

@description('Types of the events that are delivered.')
param eventTypes array

@description('Beginning of the subjects that are delivered; all where empty.')
param subjectBeginsWith string = ''

@description('Event Grid advanced filters, at most 25.')
param advancedFilters array = []

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

resource toIngest 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: name
  properties: {
    eventDeliverySchema: 'CloudEventSchemaV1_0'
    destination: toQueue
      ? null
      : {
          endpointType: 'AzureFunction'
          properties: {
            resourceId: functionId
            // One failing element sends its whole batch again.
            maxEventsPerBatch: 1
          }
        }
    deliveryWithResourceIdentity: !toQueue
      ? null
      : {
          // Through the firewall of an account Event Grid comes with a system-assigned identity only.
          identity: {
            type: 'SystemAssigned'
          }
          destination: {
            endpointType: 'StorageQueue'
            properties: {
              resourceId: accountId
              queueName: 'events'
              queueMessageTimeToLiveInSeconds: 604800
            }
          }
        }
    filter: {
      includedEventTypes: eventTypes
      subjectBeginsWith: subjectBeginsWith
      advancedFilters: advancedFilters
    }
    retryPolicy: {
      maxDeliveryAttempts: 30
      eventTimeToLiveInMinutes: 1440
    }
    deadLetterWithResourceIdentity: {
      identity: {
        type: 'SystemAssigned'
      }
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: {
          resourceId: accountId
          blobContainerName: 'deadletter'
        }
      }
    }
  }
}
