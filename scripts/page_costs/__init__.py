"""What the operator's page costs in a real browser, for `beamgym speed`."""

from beamgym.scripts.page_costs.costs import cpu_ms, glass_ms

__all__ = ["cpu_ms", "glass_ms"]
