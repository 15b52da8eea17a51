"""Instruments for the bridge's tests: guarded or not, of plain Python, simulated, or behind the practice instrument."""
