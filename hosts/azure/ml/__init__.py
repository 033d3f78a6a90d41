"""Azure Machine Learning: training jobs, the registry, endpoints and their split."""
