"""The suite `beamgym benchmark arpes-domains`: domains counted in simulated cuts and maps whose truth is known."""
