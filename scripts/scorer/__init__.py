"""Training and benchmark of the ARPES scorer, as `beamgym train` and `beamgym benchmark` call them."""
