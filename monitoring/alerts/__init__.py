"""Alerts: the states of one alert, and how a team's on-call desk is notified."""
