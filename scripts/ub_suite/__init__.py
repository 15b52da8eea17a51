"""The suite `beamgym benchmark ub`: UB from a few observed reflections of crystals whose orientation is known."""
