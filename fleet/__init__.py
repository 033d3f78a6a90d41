"""All watched models together: configuration, events, the aggregate of a model, service verbs."""
