"""The parts of `beamgym index` and `beamgym camera`: options read, the report, and its text."""
