"""The host on Azure: the ports on the services' own SDKs."""
