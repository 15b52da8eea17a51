"""A policy of one's own is imported from the current folder, and every mistake is one line."""

import sys

import pytest

from beamgym.agents.policies import find_policy, is_own
from beamgym.agents.policies.own import own_policy
from beamgym.envs.policy import DrawingPolicy

ID = "beamgym/LaueAlign-v0"
SOUND = """
class Mine:
    name, oracle = "mine", False
    def start(self, context, n):
        return [None] * n
    def act(self, observation, state, truth=None):
        return None, state

class Asks(Mine):
    def __init__(self, colour):
        pass

class Turning(Mine):
    asked = 0

    @property
    def oracle(self):
        type(self).asked += 1
        return self.asked % 2 == 0

    def start_from(self, context, seeds):
        return list(seeds)

class Half:
    name = "half"

made = Mine()
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A current folder with modules of one's own; the path and the modules are as before afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "my_own_policies.py").write_text(SOUND, encoding="utf-8")
    (tmp_path / "my_broken_policies.py").write_text("import nothing_of_that_name", encoding="utf-8")
    (tmp_path / "my_wrong_policies.py").write_text("1 / 0", encoding="utf-8")
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("my_")]:
        del sys.modules[name]


@pytest.mark.parametrize("name", ["Mine", "made"])
def test_a_class_or_an_object_is_found(folder, name):
    assert find_policy(f"my_own_policies:{name}", ID).name == "mine"


def test_whether_it_is_an_oracle_is_read_when_it_is_found_and_kept(folder):
    policy = find_policy("my_own_policies:Turning", ID)
    assert len({policy.oracle for _ in range(3)}) == 1
    assert policy.start_from(None, [4, 5]) == [4, 5]
    assert policy.act({}, [1]) == (None, [1])


def test_only_one_that_draws_is_asked_for_draws(folder):
    assert isinstance(find_policy("my_own_policies:Turning", ID), DrawingPolicy)
    assert not isinstance(find_policy("my_own_policies:Mine", ID), DrawingPolicy)


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("my_module:MyPolicy", True),
        ("package.module:name", True),
        ("index-and-move", False),
        ("C:/bundles/mine", False),
        ("bundle", False),
        ("a:b:c", False),
        (":b", False),
    ],
)
def test_its_form_tells_a_policy_of_ones_own(name, own):
    assert is_own(name) is own


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        (
            "nowhere_at_all:Mine",
            "there is no module 'nowhere_at_all'; run from the folder that holds nowhere_at_all.py",
        ),
        ("my_own_policies.more:Mine", "there is no module .my_own_policies.more.; run from the folder"),
        ("my_broken_policies:Mine", "importing my_broken_policies failed: ModuleNotFoundError: No module named 'noth"),
        ("my_wrong_policies:Mine", "importing my_wrong_policies failed: ZeroDivisionError: division by zero"),
        ("my_own_policies:Mined", "module my_own_policies has no 'Mined'; did you mean 'Mine'"),
        ("my_own_policies:Asks", "Asks.. failed: TypeError: .*'colour'; a policy is made without arguments"),
        (
            "my_own_policies:Half",
            "my_own_policies:Half has no oracle, start, act; a Policy has name, oracle, start, act",
        ),
    ],
)
def test_a_mistake_is_one_line(folder, name, complaint):
    with pytest.raises(ValueError, match=complaint) as error:
        own_policy(name)
    assert "\n" not in str(error.value)
