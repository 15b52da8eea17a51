"""Shares with their intervals, and the bars of a suite: what its figures are to reach."""

from beamgym.scripts.rates.bars import Bar, bars_table
from beamgym.scripts.rates.shares import Rate, or_none, typical

__all__ = ["Bar", "Rate", "bars_table", "or_none", "typical"]
