"""What a human says yes to before a run is said in words: who drives what, how far, how long."""

from beamgym.hardware_bridge.deployment import Options
from beamgym.hardware_bridge.deployment.terms import run_in_words
from beamgym.hardware_bridge.instrument_file.load import load_instrument, shipped_instrument


def test_a_run_is_told_with_its_limits_and_budgets():
    file = load_instrument(shipped_instrument("laue_soft_ioc"))
    limits = [(axis.name, -10.0, 12.5) for axis in file.axes]
    told = run_in_words("index-and-move", file, limits, Options(max_steps=5, dose_s=30.0, back=True))
    assert told.startswith("index-and-move drives laue-soft-ioc, a simulation: j1 -10 to 12.5 deg, ")
    assert told.endswith("; at most 5 moves, at most 30 s of open shutter; then back to where they stand now")


def test_what_has_no_bound_is_said_too():
    file = load_instrument(shipped_instrument("laue_soft_ioc")).model_copy(update={"simulation": False, "dose": None})
    told = run_in_words("mine", file, [], Options())
    assert "real hardware" in told
    assert told.endswith("as many moves as its task allows, no bound on the dose; and they stay where the run ends")
