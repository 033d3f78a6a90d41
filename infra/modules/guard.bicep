metadata description = 'A lock on the account that holds the state, and a budget.'

@description('Account that holds the state.')
param storageName string

@description('Whether the account is locked against deletion.')
param locked bool

@description('Name of the budget.')
param budgetName string

@description('Budget of a month in the currency of the bill; no budget where 0.')
param amount int

@description('First day of the month in which the budget was first deployed, such as 2026-11-01.')
param startDate string

@description('Address that is mailed at 80 % and 100 % spent, and at 100 % forecast.')
param email string

resource storage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageName
}

// On the account rather than the group: a lock on a group keeps old deployments, and the 801st fails.
resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (locked) {
  name: 'driftwarden-state'
  scope: storage
  properties: {
    level: 'CanNotDelete'
    notes: 'State of Driftwarden. azd down removes this lock first.'
  }
}

resource budget 'Microsoft.Consumption/budgets@2026-06-01' = if (amount > 0) {
  name: budgetName
  properties: {
    category: 'Cost'
    amount: amount
    timeGrain: 'Monthly'
    timePeriod: {
      startDate: startDate
    }
    notifications: {
      spent80: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 80
        thresholdType: 'Actual'
        contactEmails: [email]
      }
      spent100: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 100
        thresholdType: 'Actual'
        contactEmails: [email]
      }
      forecast100: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 100
        thresholdType: 'Forecasted'
        contactEmails: [email]
      }
    }
  }
}
