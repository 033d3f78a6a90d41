"""Event Grid: events come in through a webhook and go out to a topic."""
