"""The cases of `beamgym speed`."""
