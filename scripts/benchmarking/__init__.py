"""The parts of `beamgym benchmark`: its options, the table of suites, and the comparison of policies."""
