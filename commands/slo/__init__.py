"""The slo command: objectives judged on tables of minutes, without a fleet."""
