"""A model's history played again, and thresholds for a budget of pages."""
