metadata description = 'Private endpoints: each gives one part of one resource an address in the subnet and a DNS record.'

@description('Endpoints: name, service (a resource id), part (its subresource) and zone (id of the DNS zone; empty where a policy of the hub adds the record).')
param endpoints array

@description('Subnet of the endpoints.')
param subnetId string

@description('Region of the subnet.')
param location string

@description('Tags of the endpoints.')
param tags object

// One at a time: endpoints that are made at once in one subnet can fail with AnotherOperationInProgress.
@batchSize(1)
resource endpoint 'Microsoft.Network/privateEndpoints@2025-05-01' = [
  for one in endpoints: {
    name: 'pe-${one.name}'
    location: location
    tags: tags
    properties: {
      customNetworkInterfaceName: 'nic-${one.name}'
      subnet: {
        id: subnetId
      }
      privateLinkServiceConnections: [
        {
          name: one.part
          properties: {
            privateLinkServiceId: one.service
            groupIds: [one.part]
          }
        }
      ]
    }
  }
]

resource record 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-05-01' = [
  for (one, index) in endpoints: if (!empty(one.zone)) {
    parent: endpoint[index]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: one.part
          properties: {
            privateDnsZoneId: one.zone
          }
        }
      ]
    }
  }
]
