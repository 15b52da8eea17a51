"""The suite `beamgym benchmark arpes-measured`: searches on surfaces whose geography was measured."""
