"""Baselines: one rival per file, each a Policy, none of them trained."""
