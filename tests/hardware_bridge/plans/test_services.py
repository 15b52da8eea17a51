"""The queue server and blueapi take the plans as they are, where they are installed."""

import pytest

from beamgym.hardware_bridge import plans as face
from beamgym.hardware_bridge.plans import plans

NAMES = ("align", "find_spot", "check", "check_directions", "dry_run", "go_back")


def test_every_plan_is_documented_argument_by_argument_with_plain_types():
    import inspect
    import typing

    plain = {str, bool, int | None, float | None, list[str] | None, dict[str, typing.Any] | None}
    for name in NAMES:
        plan = getattr(plans, name)
        hints, parameters = typing.get_type_hints(plan), inspect.signature(plan).parameters
        assert inspect.isgeneratorfunction(plan)
        assert {hints[key] for key in parameters} <= plain
        without = [key for key, parameter in parameters.items() if parameter.default is parameter.empty]
        assert without == (["run"] if name == "go_back" else [])
        assert [line.split(" : ")[0].strip() for line in plan.__doc__.split("\n") if " : " in line] == [*parameters]


def test_the_queue_server_reads_and_validates_them():
    operations = pytest.importorskip("bluesky_queueserver.manager.profile_ops", reason="needs bluesky-queueserver")
    found, *_ = operations.existing_plans_and_devices_from_nspace(nspace={name: getattr(plans, name) for name in NAMES})
    assert set(found) == set(NAMES)
    (policy, *_) = found["align"]["parameters"]
    assert policy["description"].startswith("A bundle's folder or name")
    good = {"name": "align", "kwargs": {"policy": "laue-align-si", "max_steps": 3, "homed": ["j1"], "md": {"a": 1}}}
    assert operations.validate_plan(good, allowed_plans=found, allowed_devices={})[0]
    for wrong in ({"max_steps": "three"}, {"devices": 1}, {"unknown": 1}):
        item = {"name": "align", "kwargs": wrong}
        assert not operations.validate_plan(item, allowed_plans=found, allowed_devices={})[0]


def test_blueapi_registers_them_and_checks_what_it_is_given():
    core = pytest.importorskip("blueapi.core", reason="needs blueapi")
    task = pytest.importorskip("blueapi.worker.task", reason="needs blueapi")
    context = core.BlueskyContext()
    # a module that lists them in ``__all__``, as docs/bluesky.md has one
    context.with_plan_module(face)
    assert set(context.plans) >= set(NAMES) - {"deployed"}
    good = task.Task(name="align", params={"policy": "laue-align-si", "max_steps": 3})
    assert good.prepare_params(context)["max_steps"] == 3
    with pytest.raises(ValueError, match="max_steps"):
        task.Task(name="align", params={"max_steps": "three"}).prepare_params(context)
