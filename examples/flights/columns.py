"""The names the flights example agrees on: features, label and what identifies a row."""

from __future__ import annotations

CATEGORICAL = ("carrier", "origin", "destination", "day_of_week")
SCHEDULE = ("scheduled_minute", "distance", "scheduled_duration", "plane_age", "seats")
WEATHER = ("temp", "dewp", "humid", "wind_speed", "precip", "precip3", "pressure", "visib")
NUMERIC = (*SCHEDULE, "hourly_departures", *WEATHER)
FEATURES = (*CATEGORICAL, *NUMERIC)
"""The 18 features, all known before departure."""

LEAK = "dep_delay"
"""The departure delay in minutes: known offline, never when a flight is scored."""

LABEL = "label"
"""1 if the flight arrived more than 15 minutes late, 0 if not, null if it never arrived."""
