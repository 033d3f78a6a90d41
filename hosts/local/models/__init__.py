"""Models on one machine: the trainer, the registry, scoring processes and the router."""
