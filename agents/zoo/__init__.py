"""Shipped policy bundles with their model cards."""
