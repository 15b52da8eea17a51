"""Configurations: what is shipped loads, what is wrong is named in one line, and docs/training.md lists every key."""

import inspect
import re
from pathlib import Path

import pytest
import yaml

from beamgym.agents.beliefs.extractors import AlignExtractor
from beamgym.agents.training.config import (
    EXTRACTOR_KEYS,
    AlignPretrainingConfig,
    PolicyKwargs,
    RecordedConfig,
    SearchPretrainingConfig,
    TrainingConfig,
    load_config,
)

ID = "beamgym/LaueAlign-v0"
DOCS = Path(__file__).parents[3] / "docs" / "training.md"


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
    "model", [TrainingConfig, PolicyKwargs, AlignPretrainingConfig, SearchPretrainingConfig, RecordedConfig]
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
    example = DOCS.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    (tmp_path / "my.yml").write_text(example)
    assert load_config(ID, tmp_path / "my.yml").env_kwargs["crystal"] == "my.cif"
