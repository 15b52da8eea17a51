"""The suite `beamgym benchmark arpes-domains`: domains in simulated cuts and samples whose truth is known."""
