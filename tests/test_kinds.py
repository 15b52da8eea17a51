"""The tables of kinds: a row on every floor, names that lead somewhere, and no question by kind anywhere else."""

import ast
from pathlib import Path

import gymnasium as gym
import pytest

from beamgym.agents import kinds as agents
from beamgym.agents.evaluation import MetricSet
from beamgym.envs import kinds as envs
from beamgym.envs.make import build
from beamgym.envs.task import Context
from beamgym.hardware_bridge import kinds as bridge
from beamgym.hardware_bridge.instrument_file import Strict

ROOT = Path(__file__).parents[1]
FLOORS = ("envs", "agents", "hardware_bridge", "scripts")
TABLES = tuple(f"{floor}/kinds.py" for floor in FLOORS[:3])
OWN_ROOMS = (
    "envs/laue_align/",
    "envs/laue_zone/",
    "envs/arpes_spot/",
    "envs/plate_scan/",
    "envs/diffractometer_align/",
    "envs/arpes_align/",
)
"""Where a question by kind may be asked: the tables, and the room of each kind's own task."""

NAMES = ("laue", "zone", "arpes", "mosaic", "diffractometer", "arpes_align", "lamp")
CLASSES = ("Context", "Task", "Setting")


def asked(source):
    """Questions by kind in Python source: (line, what was found) each."""
    found = [(node.lineno, ast.unparse(node)) for node in ast.walk(ast.parse(source)) if _asks(node)]
    return sorted(set(found))


def _asks(node):
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
        if node.func.id == "isinstance":
            return _is_context(node.args[0]) or any(name.endswith(CLASSES) for name in _names(node.args[1]))
        asks_attribute = node.func.id == "hasattr" or (node.func.id == "getattr" and len(node.args) == 3)
        return asks_attribute and _is_context(node.args[0])
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        return any(_is_kind_name(side) or _is_part(side) for side in sides)
    if isinstance(node, ast.Dict):
        return sum(_is_kind_name(key) for key in node.keys) > 1
    tests = {ast.If: "test", ast.IfExp: "test", ast.BoolOp: "values"}
    asked_of = getattr(node, tests[type(node)]) if type(node) in tests else []
    return any(_is_part(each) for each in (asked_of if isinstance(asked_of, list) else [asked_of]))


def _names(node):
    return [each.id for each in ast.walk(node) if isinstance(each, ast.Name)]


def _is_context(node):
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "context_of"
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return name.lower().endswith(("context", "experiment"))


def _is_kind_name(node):
    parts = node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]
    return any(isinstance(part, ast.Constant) and part.value in NAMES for part in parts)


def _is_part(node):
    """The part of an instrument file that only one kind has, such as ``file.laue``."""
    if not (isinstance(node, ast.Attribute) and node.attr in NAMES):
        return False
    name = node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
    return name == "self" or name.endswith("file")


class TestRows:
    def test_every_kind_has_a_row_on_every_floor(self):
        assert set(envs.KINDS) == set(agents.KINDS) == set(bridge.KINDS)
        for table in (envs.KINDS, agents.KINDS, bridge.KINDS):
            assert all(kind.name == name for name, kind in table.items())

    def test_every_environment_of_the_package_is_in_the_table(self):
        registered = {name for name in gym.registry if name.startswith("beamgym/")}
        assert registered == {name for kind in envs.KINDS.values() for name in kind.ids} == set(envs.ENVIRONMENTS)

    @pytest.mark.parametrize("kind", envs.KINDS.values(), ids=envs.KINDS)
    def test_a_row_of_environments_leads_to_what_it_names(self, kind):
        task, world = build(kind, 2, {})
        assert world.n == 2
        assert isinstance(task.context, envs.resolve(kind.context))
        assert isinstance(task.context, Context)
        assert task.action_space.shape == (task.context.action_size,)
        assert getattr(task.context, kind.budget.attribute) > 0
        assert envs.kind_of(task.context) is kind
        assert callable(envs.resolve(kind.renderer)(task.context).draw)
        if kind.setting is not None:
            setting = envs.resolve(kind.setting).of(task.context)
            assert [axis.name for axis in setting.axes] == [axis.name for axis in task.context.instrument_axes]
            for name in kind.action_scale:
                assert getattr(setting, name) == getattr(task.context, name)

    @pytest.mark.parametrize("kind", agents.KINDS.values(), ids=agents.KINDS)
    def test_a_row_of_agents_leads_to_what_it_names(self, kind):
        metrics = envs.resolve(kind.metrics)
        assert isinstance(metrics, MetricSet)
        assert metrics.budget == envs.KINDS[kind.name].budget
        baselines = agents.baselines_of(kind)
        assert {name: make().name for name, make in baselines.items()} == {name: name for name in baselines}
        assert kind.default in (agents.SHIPPED_POLICY, *baselines)

    @pytest.mark.parametrize("name", bridge.instrument_kinds())
    def test_a_row_of_the_bridge_leads_to_what_it_names(self, name):
        kind = bridge.bridge_kind(name)
        for column, value in vars(kind).items():
            if column != "name" and value is not None:
                assert callable(envs.resolve(value)), column
        assert issubclass(envs.resolve(kind.section), Strict)
        assert envs.KINDS[name].task is not None, "an instrument can stand for it, so it needs a task without truth"
        assert envs.KINDS[name].setting is not None, "or no bundle could be matched with the instrument"

    def test_a_kind_that_is_simulated_only_says_why(self):
        for kind in bridge.KINDS.values():
            if isinstance(kind, bridge.SimulationOnly):
                assert kind.why
                assert envs.KINDS[kind.name].task is None

    def test_the_kinds_of_this_test_are_those_of_the_table(self):
        assert set(NAMES) >= set(envs.KINDS)


class TestRegistration:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"name": "Laue Align"}, "lower-case Python name"),
            ({"name": "laue"}, "beamgym's own"),
            ({"environments": ()}, "no environment"),
            ({"environments": (envs.Environment("CartPole-v1"),)}, "registered already"),
        ],
    )
    def test_what_cannot_be_a_kind_is_refused_in_one_line(self, change, message):
        row = {**vars(envs.KINDS["zone"]), "name": "other", "environments": (envs.Environment("other/Other-v0"),)}
        with pytest.raises(ValueError, match=message) as error:
            envs.register_kind(envs.EnvKind(**{**row, **change}))
        assert "\n" not in str(error.value)
        assert "other" not in envs.KINDS
        assert envs.KINDS["laue"] in envs.SHIPPED

    def test_a_row_on_a_higher_floor_needs_its_kind(self):
        with pytest.raises(ValueError, match="unknown kind 'other'"):
            agents.register_kind(agents.AgentKind("other", {}, agents.KINDS["laue"].metrics))
        with pytest.raises(ValueError, match="unknown kind 'other'"):
            bridge.register_kind(bridge.SimulationOnly("other", "it is nothing"))

    def test_a_context_of_no_kind_is_named(self):
        assert envs.find_kind("three motors") is None
        with pytest.raises(ValueError, match="context of type str"):
            envs.kind_of("three motors")


class TestNobodyElseAsks:
    @pytest.mark.parametrize("floor", FLOORS)
    def test_no_question_by_kind_outside_the_tables_and_a_tasks_own_room(self, floor):
        found = {}
        for path in sorted((ROOT / floor).rglob("*.py")):
            inside = path.relative_to(ROOT).as_posix()
            questions = [] if inside in TABLES or inside.startswith(OWN_ROOMS) else asked(path.read_text("utf-8"))
            if questions:
                found[inside] = questions
        assert found == {}, "look the difference up in the kind's row, and give the row a column where it has none"

    @pytest.mark.parametrize(
        "question",
        [
            "isinstance(context, AlignContext)",
            "isinstance(self.context, kinds)",
            "isinstance(task, LaueAlignTask | ArpesSpotTask)",
            "hasattr(context, 'goniometer')",
            "hasattr(task.context, 'stage')",
            "getattr(file.experiment, 'crystal', '')",
            "getattr(context_of(env), 'crystal', None)",
            "file.kind == 'arpes'",
            "kind != 'laue'",
            "kind.name in ('laue', 'zone')",
            "file.laue is None",
            "None is not deployment.file.arpes",
            "1 if file.laue else 2",
            "file.laue and file.laue.crystal",
            "{'laue': 1, 'arpes': 2}[kind]",
        ],
    )
    def test_a_question_is_seen(self, question):
        assert asked(f"def f():\n    return {question}\n")[0][0] == 2

    @pytest.mark.parametrize(
        "harmless",
        ["kind_of(context).budget", "axis.kind == 'rotation'", "isinstance(x, str)", "getattr(context, name)"],
    )
    def test_what_asks_nothing_is_let_pass(self, harmless):
        assert asked(f"y = {harmless}\n") == []
