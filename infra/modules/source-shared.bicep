metadata description = 'A system topic that somebody else owns. It is read, never written: a PUT would replace its identity and tags.'

@description('Name of the topic.')
param name string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: name
}

@description('Identity that the topic delivers with.')
output principalId string = topic.?identity.?principalId ?? fail('System topic ${name} has no system-assigned identity. Its owner enables it (az eventgrid system-topic update --identity systemassigned), or set source to poll.')
