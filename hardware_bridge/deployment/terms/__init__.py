"""How a run is to be made: options, checked before anything begins, and told in words to the human who allows it."""

from beamgym.hardware_bridge.deployment.terms.checks import check_options, check_sink, refuse_on_hardware
from beamgym.hardware_bridge.deployment.terms.options import Options
from beamgym.hardware_bridge.deployment.terms.words import run_in_words

__all__ = ["Options", "check_options", "check_sink", "refuse_on_hardware", "run_in_words"]
