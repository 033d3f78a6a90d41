"""Alerts: the life of one alert, and how a team's on-call hears of it."""
