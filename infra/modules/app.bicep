metadata description = 'The Functions app on a Flex Consumption plan; its identity is its only credential.'

@description('Name of the app.')
param name string

@description('Name of its plan.')
param planName string

@description('Region; one where Flex Consumption is offered.')
param location string

@description('Tags of the plan and the app.')
param tags object

@description('Resource id of the identity that the app runs as.')
param identityId string

@description('Client id of that identity.')
param clientId string

@description('URL of the blob container that holds the app package.')
param deployment string

@description('Instances that are always running: name (http or function:NAME) and instanceCount.')
param alwaysReady array

@description('Subnet for the app\'s outbound traffic; empty for none.')
param subnetId string

@description('Whether the app is reachable other than through its private endpoint.')
param publicAccess bool

@description('Settings that the app needs. They win over those of the operators.')
param settings object

@description('Settings of the operators; secrets as references to Key Vault.')
@secure()
param extraSettings object

@description('Names of settings to remove.')
param retiredSettings array

@description('Application (client) id that people sign in to; empty only where pages are anonymous.')
param signInClientId string

@description('Object ids of the groups whose members may read the pages; the whole tenant where empty.')
param signInGroups array

@description('Paths that need no sign-in.')
param openPaths array

@description('Serve the pages without sign-in.')
param anonymousPages bool

// The setting takes the place of a client secret: the identity signs for the application.
var signInSetting = 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    tier: 'FlexConsumption'
    name: 'FC1'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  // azd finds where to deploy the service of azure.yaml by this tag.
  tags: union(tags, { 'azd-service-name': 'app' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    // Without appSettings here, a PUT of the app leaves its settings as they are.
    siteConfig: {
      ftpsState: 'Disabled'
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: deployment
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.11'
      }
      scaleAndConcurrency: {
        alwaysReady: alwaysReady
        instanceMemoryMB: 2048
        maximumInstanceCount: 40
      }
    }
  }
}

// The list is replaced as a whole, so the present settings are passed on. The app exists by then, also the first time.
module appSettings 'settings.bicep' = {
  name: 'driftwarden-settings'
  params: {
    appName: app.name
    current: list('${app.id}/config/appsettings', '2025-03-01').properties
    retired: retiredSettings
    extra: extraSettings
    settings: union(settings, anonymousPages ? {} : { '${signInSetting}': clientId })
  }
}

// In sequence: simultaneous changes of one app are refused with 409.
resource signIn 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: !anonymousPages
    }
    globalValidation: {
      requireAuthentication: !anonymousPages
      unauthenticatedClientAction: anonymousPages ? 'AllowAnonymous' : 'RedirectToLoginPage'
      redirectToProvider: 'azureactivedirectory'
      excludedPaths: openPaths
    }
    identityProviders: anonymousPages
      ? {}
      : {
          azureActiveDirectory: {
            enabled: true
            registration: {
              openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
              clientId: signInClientId
              clientSecretSettingName: signInSetting
            }
            validation: {
              allowedAudiences: [signInClientId, 'api://${signInClientId}']
              defaultAuthorizationPolicy: {
                allowedPrincipals: {
                  groups: signInGroups
                }
              }
            }
          }
        }
    httpSettings: {
      requireHttps: true
    }
    login: {
      tokenStore: {
        enabled: false
      }
    }
  }
  dependsOn: [appSettings]
}

// Deployment uses Entra ID: the publishing passwords are off. Two resources, because a loop hides the name from the compiler.
resource noFtp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
  dependsOn: [signIn]
}

resource noScm 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
  dependsOn: [noFtp]
}

@description('Address of the pages.')
output url string = 'https://${app.properties.defaultHostName}'
