"""The suite `beamgym benchmark engine`: what a job costs besides its work, two nodes against one, 1,000 workers."""
