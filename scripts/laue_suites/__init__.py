"""The suites `beamgym benchmark laue-…`: policies that align crystals, over many tasks."""
