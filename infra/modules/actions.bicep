metadata description = 'Receivers of the watchdog: an action group for what wakes somebody, and one for what waits for the morning.'

@description('Tags of both groups.')
param tags object

@description('Address that gets the mails of both groups.')
param email string

@description('Address that pages are posted to in the common alert schema, such as that of an on-call service; none where empty.')
@secure()
param pageWebhook string = ''

@description('The same for tickets.')
@secure()
param ticketWebhook string = ''

var emails = [
  {
    name: 'operators'
    emailAddress: email
    useCommonAlertSchema: true
  }
]

resource page 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'driftwarden-page'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'dw-page'
    enabled: true
    emailReceivers: emails
    webhookReceivers: empty(pageWebhook)
      ? []
      : [
          {
            name: 'page'
            serviceUri: pageWebhook
            useCommonAlertSchema: true
          }
        ]
  }
}

resource ticket 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'driftwarden-ticket'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'dw-ticket'
    enabled: true
    emailReceivers: emails
    webhookReceivers: empty(ticketWebhook)
      ? []
      : [
          {
            name: 'ticket'
            serviceUri: ticketWebhook
            useCommonAlertSchema: true
          }
        ]
  }
}

@description('Id of the group that is paged.')
output pageId string = page.id

@description('Id of the group that gets tickets.')
output ticketId string = ticket.id
