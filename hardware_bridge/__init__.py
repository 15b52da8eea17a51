"""The bridge from tasks and policies to real motors and detectors; every command passes its guard."""
