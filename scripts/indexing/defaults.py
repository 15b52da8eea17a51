"""What `beamgym index` takes where nothing is said; kept apart from the work, so that --help is quick."""

Eight = tuple[float, float, float, float, float, float, float, float]
"""Column and row of four marks."""

DEFAULT_TARGET = "pose [001] beam [110] up"
DEFAULT_GONIOMETER = "two-arc"
MOST_GRAINS = 5
"""Crystal grains that are looked for; the same number as of physics.laue.indexing."""
