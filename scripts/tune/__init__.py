"""Tuning of the rivals."""
