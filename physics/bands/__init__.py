"""Band structures from band mapping: cubes of intensity, theories aligned to them, bands found and compared."""
