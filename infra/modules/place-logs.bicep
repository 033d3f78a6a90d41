metadata description = 'Reads the account of the logs. A location that is another module\'s output may be used where a location is needed at the start.'

@description('Storage account of the logs.')
param accountName string

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: accountName
}

@description('Region of the account.')
output location string = account.location

@description('URL of its blobs.')
output blobEndpoint string = account.properties.primaryEndpoints.blob
