"""Rows of `beamgym speed` that need a browser."""

from beamgym.scripts.speeds.in_browser.page import page_cpu_ms, page_glass_ms

__all__ = ["page_cpu_ms", "page_glass_ms"]
