metadata description = 'Delivers events of one system topic to the function `ingest`; what cannot be delivered is kept.'

param topicName string
param functionId string
param deadLetterAccountId string
param eventTypes array

@description('Only subjects that begin so are delivered; all where empty.')
param subjectBeginsWith string = ''

@description('Event Grid advanced filters.')
param advancedFilters array = []

resource topic 'Microsoft.EventGrid/systemTopics@2022-06-15' existing = {
  name: topicName
}

resource toIngest 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2022-06-15' = {
  parent: topic
  name: 'driftwarden'
  properties: {
    eventDeliverySchema: 'CloudEventSchemaV1_0'
    destination: {
      endpointType: 'AzureFunction'
      properties: {
        resourceId: functionId
        // One failing element sends its whole batch again.
        maxEventsPerBatch: 1
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
          resourceId: deadLetterAccountId
          blobContainerName: 'deadletter'
        }
      }
    }
  }
}
