"""Training hyperparameters, one YAML file per environment."""
