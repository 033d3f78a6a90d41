"""A year of real departures from New York: data, model, training and the replay's scenario."""
