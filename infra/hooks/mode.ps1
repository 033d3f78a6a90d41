# azd reads infra/main.bicepparam: this copies the parameters of the mode there.
$ErrorActionPreference = 'Stop'
$mode = if ($env:DRIFTWARDEN_MODE) { $env:DRIFTWARDEN_MODE } else { 'public-events' }
if ($mode -notin 'public-events', 'poll-only', 'private', 'private-events') {
  throw "DRIFTWARDEN_MODE is ${mode}: set it to public-events, poll-only, private or private-events"
}
Copy-Item "infra/$mode.bicepparam" infra/main.bicepparam
