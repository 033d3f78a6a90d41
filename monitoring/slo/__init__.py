"""Service-level objectives: OpenSLO documents, error budgets, burn rates."""
