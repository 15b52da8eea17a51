"""The suite `beamgym benchmark index`: what indexing makes of drawn pictures and lists whose truth is known."""
