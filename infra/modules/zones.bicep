metadata description = 'Private DNS zones, each linked to the network.'

@description('Names of the zones.')
param zones array

@description('Resource id of the network that resolves names in them.')
param networkId string

@description('Tags of the zones.')
param tags object

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for name in zones: {
    name: name
    location: 'global'
    tags: tags
  }
]

resource link 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (name, index) in zones: {
    parent: zone[index]
    name: 'driftwarden'
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: {
        id: networkId
      }
    }
  }
]
