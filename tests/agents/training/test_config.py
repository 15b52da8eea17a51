"""Configurations: what is shipped loads, what is wrong is named in one line, and docs/training.md lists every key."""

import inspect
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from beamgym.agents.beliefs.extractors import AlignExtractor
from beamgym.agents.configs import arguments_of, python_value
from beamgym.agents.decisions import ModelPolicy, learnt, put_back
from beamgym.agents.evaluation import evaluate_in
from beamgym.agents.training.config import (
    EXTRACTOR_KEYS,
    AlignPretrainingConfig,
    Normalize,
    PolicyKwargs,
    RecordedConfig,
    SearchPretrainingConfig,
    TrainingConfig,
    load_config,
)
from beamgym.agents.training.sb3_model import make_model, training_envs

ID = "beamgym/LaueAlign-v0"
DOCS = Path(__file__).parents[3] / "docs" / "training.md"
CONFIGS = Path(__file__).parents[3] / "agents" / "configs"


@pytest.fixture
def write(tmp_path):
    def write(section, env_id=ID):
        path = tmp_path / "my.yml"
        path.write_text(yaml.safe_dump({env_id: section}))
        return path

    return write


def one_line(path, env_id=ID):
    with pytest.raises(ValueError) as error:
        load_config(env_id, path)
    text = str(error.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("env_id", ["beamgym/LaueAlign-v0", "beamgym/LaueAlignImage-v0", "beamgym/LaueZone-v0"])
def test_the_shipped_configurations_load(env_id):
    config = load_config(env_id)
    assert config.n_timesteps > 0
    assert config.n_envs * config.n_steps % config.batch_size == 0


def test_the_shipped_agent_is_trained_at_the_level_it_is_judged_at():
    config = load_config(ID)
    assert config.env_kwargs == {"crystal": "Si", "level": "real"}
    assert config.policy_kwargs.extractor == "align"
    assert config.warm_start is not None


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"n_timesteps": 1000, "n_step": 8}, "there is no key n_step"),
        ({"n_timesteps": 1000, "warm_start": {"sample": 1}}, "there is no key warm_start.sample"),
        ({"n_timesteps": 1000, "policy_kwargs": {"extractor": "cnn"}}, "policy_kwargs.extractor: .*found 'cnn'"),
        ({"n_timesteps": -1}, "n_timesteps: .*greater than or equal to 0, found -1"),
        ({"n_timesteps": "many"}, "n_timesteps: .*found 'many'"),
        ({"n_envs": 8}, "n_timesteps: Field required"),
        ({"n_timesteps": 0, "learning_rate": 0}, "learning_rate: .*found 0"),
        ({"n_timesteps": 0, "batch_size": 300}, "batch_size 300 does not divide n_envs . n_steps = 8192"),
        ({"n_timesteps": 0, "warm_start": {"dictionary_samples": 2**20}}, "dictionary_samples: .*524288"),
        (
            {"n_timesteps": 0, "policy_kwargs": {"extractor": "align", "extractor_kwargs": {"depth": 3}}},
            "policy_kwargs: extractor align takes no depth; it takes width, entries",
        ),
        ({"n_timesteps": 0, "policy_kwargs": {"net_arch": {"q": [8]}}}, "policy_kwargs.net_arch"),
        (
            {"n_timesteps": 0, "policy_kwargs": "dict(net_arch=[dict(pi=[64], vf=[64])])"},
            "policy_kwargs.net_arch: a mapping in a list is SB3's older form; write dict.pi=",
        ),
        ({"n_timesteps": -1, "n_envs": 0}, r"\(and 1 more\)"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(write, section, said):
    assert re.search(said, one_line(write(section)))


def test_a_file_that_is_not_there_no_yaml_or_for_another_environment_is_one_line(tmp_path, write):
    assert "give the path of a YAML file" in one_line(tmp_path / "none.yml")
    broken = tmp_path / "broken.yml"
    broken.write_text("a: [1,\n b: }")
    assert "is no YAML" in one_line(broken)
    assert "holds hyperparameters for other/Env-v0; add a section for" in one_line(write({}, "other/Env-v0"))
    assert "give one with --config" in one_line(None, "beamgym/Unknown-v0")


def test_yaml_never_makes_python_objects(tmp_path):
    file = tmp_path / "evil.yml"
    file.write_text(f"{ID}: !!python/object/apply:os.getcwd []\n")
    assert "is no YAML" in one_line(file)


def test_the_known_keys_of_the_align_extractor_are_its_parameters():
    parameters = list(inspect.signature(AlignExtractor).parameters)
    assert parameters == ["observation_space", *EXTRACTOR_KEYS["align"]]


@pytest.mark.parametrize(
    "model", [TrainingConfig, PolicyKwargs, Normalize, AlignPretrainingConfig, SearchPretrainingConfig, RecordedConfig]
)
def test_the_docs_list_every_key_with_its_default_and_meaning(model):
    """The rows of docs/training.md are those that :func:`rows` writes."""
    text = DOCS.read_text(encoding="utf-8")
    for row in rows(model):
        assert row in text, f"docs/training.md lacks the row {row}"


def rows(model):
    """Return a model's rows of the table in docs/training.md."""
    for name, field in model.model_fields.items():
        assert field.description, f"{name} has no description"
        default = "required" if field.is_required() else plain(field)
        yield f"| `{name}` | {default} | {field.description} |"


def plain(field):
    value = field.default if field.default_factory is None else field.default_factory()
    if value is None or value == {} or isinstance(value, PolicyKwargs):
        return "—"
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_the_example_of_the_docs_loads(tmp_path):
    examples = [part.split("```")[0] for part in DOCS.read_text(encoding="utf-8").split("```yaml\n")[1:]]
    example = next(each for each in examples if "crystal" in each)
    (tmp_path / "my.yml").write_text(example)
    assert load_config(ID, tmp_path / "my.yml").env_kwargs["crystal"] == "my.cif"


class TestZooFiles:
    """What rl-zoo3 writes is read as rl-zoo3 reads it, and nothing in it is run."""

    def test_policy_kwargs_in_words_are_read(self, write):
        words = "dict(net_arch=dict(pi=[64, 32], vf=[64]), activation_fn=nn.ELU, log_std_init=-2, ortho_init=False)"
        network = load_config(ID, write({"n_timesteps": 1e6, "policy_kwargs": words})).policy_kwargs
        assert network.net_arch == {"pi": [64, 32], "vf": [64]}
        assert (network.activation_fn, network.log_std_init, network.ortho_init) == ("ELU", -2.0, False)

    @pytest.mark.parametrize(
        ("given", "read"),
        [
            (True, Normalize()),
            (False, None),
            ("dict(norm_obs=True, norm_reward=False)", Normalize(norm_reward=False)),
            ({"clip_obs": 5}, Normalize(clip_obs=5.0)),
        ],
    )
    def test_normalize_is_a_flag_words_or_a_mapping(self, write, given, read):
        assert load_config(ID, write({"n_timesteps": 1, "normalize": given})).normalize == read

    def test_schedules_are_kept_as_words_and_numbers_as_numbers(self, write):
        config = load_config(ID, write({"n_timesteps": 1, "learning_rate": "lin_3e-4", "clip_range": "0.1"}))
        assert (config.learning_rate, config.clip_range) == ("lin_0.0003", 0.1)

    def test_arguments_of_another_algorithm_need_no_place_of_their_own(self, write):
        section = {"n_timesteps": 1, "buffer_size": 300, "train_freq": [1, "episode"], "ent_coef": "auto", "n_steps": 3}
        config = load_config(ID, write(section), algo="sac")
        assert config.algorithm_kwargs == {name: value for name, value in section.items() if name != "n_timesteps"}

    @pytest.mark.parametrize("algo", ["ppo", "sac"])
    def test_what_is_written_of_a_configuration_reads_as_the_same(self, write, algo):
        config = load_config(ID, write({"n_timesteps": 1, "gamma": 0.9, "normalize": True}), algo=algo)
        assert TrainingConfig.model_validate(config.model_dump(mode="json")) == config

    def test_the_second_file_comes_before_the_first(self, write):
        path = write({"n_timesteps": 10, "n_envs": 4, "batch_size": 128})
        path.with_name("my.beamgym.yml").write_text(yaml.safe_dump({ID: {"n_envs": 8, "selection_episodes": 5}}))
        config = load_config(ID, path)
        assert (config.n_timesteps, config.n_envs, config.selection_episodes) == (10, 8, 5)

    @pytest.mark.parametrize(
        ("section", "said"),
        [
            ({"batch_sise": 8}, "there is no key batch_sise; did you mean batch_size?"),
            ({"policy_kwargs": {"net_arc": [8]}}, "there is no key policy_kwargs.net_arc; did you mean net_arch?"),
            ({"buffer_size": 8}, "there is no key buffer_size; it is for sac, dqn, tqc, not for ppo"),
            ({"algo": "ppoo"}, "found 'ppoo'; did you mean 'ppo'?"),
            ({"algo": "dqn", "normalize": True, "frame_stack": 2}, "do not go together with dqn"),
            ({"algo": "sac", "n_epochs": 8}, "sac takes no n_epochs; ppo, ppo_lstm does"),
            ({"callback": "rl_zoo3.callbacks.X"}, "there is no key callback; callbacks are code"),
            ({"learning_rate": "exp_3"}, "learning_rate: give a number greater than 0, or a schedule"),
            (
                {"env_wrapper": "rl_zoo3.wrappers.HistoryWrapper"},
                "a bundle would lack the wrapper rl_zoo3.wrappers.Hist",
            ),
            ({"ent_coef": "auto"}, "ent_coef: ppo takes a number, found auto"),
            ({"algo": "sac", "warm_start": {}}, "warm_start goes with algo ppo only, found sac"),
            ({"policy_kwargs": "dict(activation_fn=nn.Module)"}, r"'nn.Module' is not read; write numbers"),
        ],
    )
    def test_mistakes_are_told_with_the_remedy(self, write, section, said):
        assert said in one_line(write({"n_timesteps": 1000, **section}))

    @pytest.mark.parametrize(
        "words",
        [
            "__import__('os').system('true')",
            "dict(a=open('/etc/passwd').read())",
            "[x for x in (1,)]",
            "dict(**{'a': 1})['a']",
            "dict(**dict(a=1), b=2)",
            "{**{'a': 1}, 'b': 2}",
            "(lambda: 1)()",
            "dict(a=9**9**9)",
            "nn.ReLU.__init__",
            "os.nn.ReLU",
            "(" * 4000,
            "-" * 9000 + "1",
            "f'{1}'",
        ],
    )
    def test_code_is_never_run(self, words):
        with pytest.raises(ValueError, match=r"is not read|cannot be read"):
            python_value(words)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=12,
        )
    )
    def test_plain_values_come_back_as_they_were_written(self, value):
        assert python_value(repr(value)) == value

    @pytest.mark.parametrize("path", sorted(CONFIGS.glob("*-v?.yml")), ids=lambda path: path.stem)
    def test_shipped_files_hold_nothing_that_rl_zoo3_does_not_know(self, path):
        (section,) = yaml.safe_load(path.read_text(encoding="utf-8")).values()
        zoo = {"n_envs", "n_timesteps", "policy", "policy_kwargs", "env_kwargs", "normalize", "frame_stack"}
        assert set(section) <= zoo | arguments_of("ppo")


@pytest.mark.parametrize(
    ("algo", "section"),
    [
        ("ppo", {"normalize": True, "frame_stack": 2, "n_steps": 8, "batch_size": 16, "learning_rate": "lin_3e-4"}),
        (
            "ppo",
            {
                "env_wrapper": "gymnasium.wrappers.FlattenObservation",
                "policy": "MlpPolicy",
                "n_steps": 8,
                "batch_size": 16,
            },
        ),
        (
            "sac",
            {"learning_starts": 4, "buffer_size": 50, "noise_type": "normal", "noise_std": 0.1, "ent_coef": "auto_0.1"},
        ),
        ("tqc", {"learning_starts": 4, "buffer_size": 50, "policy_kwargs": "dict(net_arch=[16], n_quantiles=5)"}),
        ("ppo_lstm", {"policy": "MultiInputLstmPolicy", "n_steps": 8, "batch_size": 16, "frame_stack": 2}),
    ],
)
def test_models_of_zoo_files_learn_and_play_as_they_saw(write, algo, section):
    if algo in ("tqc", "ppo_lstm"):
        pytest.importorskip("sb3_contrib")
    config = load_config(ID, write({"n_timesteps": 32, "n_envs": 2, "selection_episodes": 3, **section}), algo=algo)
    model = make_model(config, training_envs(ID, config), 0)
    model.learn(32)
    played = evaluate_in(ModelPolicy(model), training_envs(ID, config, 3, "Disabled"), 3, 0, purpose="selection")
    assert (played.episodes.exposures >= 1).all()
    again = make_model(config, training_envs(ID, config), 1)
    put_back(again, learnt(model))
    same = evaluate_in(ModelPolicy(again), training_envs(ID, config, 3, "Disabled"), 3, 0, purpose="selection")
    np.testing.assert_array_equal(played.episodes.exposures, same.episodes.exposures)
    np.testing.assert_array_equal(played.episodes.misorientation_deg, same.episodes.misorientation_deg)
