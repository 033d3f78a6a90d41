"""Build, rebuild and renew references."""
