"""The suite `beamgym benchmark arpes-gap`: simulated EDCs answered, beside people's fits and the true model's."""
