"""The suites `beamgym benchmark laue-levels` and `laue-crystals`: policies that align crystals, over many tasks."""
