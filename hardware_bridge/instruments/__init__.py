"""Instrument files to begin with."""
