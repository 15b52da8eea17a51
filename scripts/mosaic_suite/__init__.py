"""The suite `beamgym benchmark mosaic`: simulated plates scanned, packed, placed with hidden play and scanned again."""
