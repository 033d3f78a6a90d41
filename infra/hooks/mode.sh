#!/bin/sh
# azd reads infra/main.bicepparam: this copies the parameters of the mode there.
set -eu
mode=${DRIFTWARDEN_MODE:-public-events}
case $mode in
public-events | poll-only | private | private-events) ;;
*)
  echo "DRIFTWARDEN_MODE is $mode: set it to public-events, poll-only, private or private-events" >&2
  exit 1
  ;;
esac
cp "infra/$mode.bicepparam" infra/main.bicepparam
