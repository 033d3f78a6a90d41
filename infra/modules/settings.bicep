metadata description = 'The settings of the app: those it has, those of the operators, those it needs; the later wins.'

@description('Name of the app.')
param appName string

// A parameter, because a resource that lists itself is a cycle.
@description('Settings that the app has now.')
@secure()
param current object

@description('Names of these that are removed.')
param retired array

@description('Settings of the operators.')
@secure()
param extra object

@description('Settings that the app needs.')
param settings object

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  name: appName
}

resource appSettings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'appsettings'
  properties: union(
    toObject(filter(items(current), one => !contains(retired, one.key)), one => one.key, one => one.value),
    extra,
    settings
  )
}
