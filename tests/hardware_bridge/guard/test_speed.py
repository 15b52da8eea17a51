"""The steps that `beamgym speed` times go through a guard that lets them pass: a refusal would end the measurement."""

from beamgym.hardware_bridge.guard import speed as guard_speed


def test_a_guarded_step_can_be_measured(tmp_path):
    assert set(guard_speed.guard_step_ms(3, tmp_path)) == {"guard_step_ms", "audit_ms", "bare_step_ms"}
