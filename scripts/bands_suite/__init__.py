"""The suite `beamgym benchmark bands`: the published synthetic patch of WSe2 and the measured line."""
