"""The Functions host of one machine: HTTP, queues, timers and webhooks call the app's functions."""
