"""Where no policy is named, the best measured one that can play is taken, and the reason is said."""

from pathlib import Path

import pytest

from beamgym.agents.evaluation import context_of, make_vector_env
from beamgym.agents.policies import find_policy, recommended
from beamgym.agents.policies.recommended import RECOMMENDED, Recommended, recommended_policy
from beamgym.envs import ENVIRONMENTS

ROOT = Path(__file__).parents[3]
ALIGN = "beamgym/LaueAlign-v0"


@pytest.fixture(scope="module")
def context():
    return context_of(make_vector_env(ALIGN, 1, "real", {"crystal": "quartz"}))


def test_every_row_names_an_environment_a_policy_and_a_page():
    assert set(RECOMMENDED) <= set(ENVIRONMENTS)
    for env_id, rows in RECOMMENDED.items():
        for row in rows:
            assert find_policy(row.policy, env_id, "Si").name == row.policy
            assert all((ROOT / page).is_file() for page in row.source.split(", "))
            assert str(row).startswith(f"policy: {row.policy}, ")
            assert "%" in row.why


@pytest.mark.parametrize("env_id", [ALIGN, "beamgym/LaueAlignImage-v0"])
def test_a_known_crystal_is_aligned_by_calibrating(context, env_id):
    policy, why = recommended_policy(env_id, context, "quartz")
    assert (policy.name, why.policy) == ("calibrating", "calibrating")


def test_the_next_one_is_taken_where_the_best_cannot_play(context, monkeypatch):
    rows = (Recommended("shipped", "learnt", "a"), Recommended("index-and-move", "indexes", "b"))
    monkeypatch.setitem(RECOMMENDED, ALIGN, rows)
    assert recommended_policy(ALIGN, context, "Si")[1] is rows[0]
    assert recommended_policy(ALIGN, context, "quartz")[1] is rows[1]


def test_an_environment_without_a_row_takes_what_its_kind_puts_first(context, monkeypatch):
    monkeypatch.delitem(RECOMMENDED, ALIGN)
    policy, why = recommended_policy(ALIGN, context, "Si")
    assert policy.name == "shipped"
    assert "kind laue" in str(why)
    with pytest.raises(ValueError, match="name one"):
        recommended_policy(ALIGN, context, "quartz")


def test_the_door_has_it():
    assert recommended.recommended_policy is recommended_policy
