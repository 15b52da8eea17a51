"""No two policies share a name in a table, in JSON or in TensorBoard."""

import pytest

from beamgym.agents.policies.names import bundle_name, distinct_names


@pytest.mark.parametrize(
    ("path", "name"),
    [("runs/mine/bundle", "mine"), ("my-agent", "my-agent"), ("runs/other/bundle/", "other"), ("a/b", "b")],
)
def test_a_bundle_where_training_puts_it_is_called_as_its_training(path, name):
    assert bundle_name(path) == name


def test_a_bundle_in_the_current_folder_has_that_folders_name(tmp_path, monkeypatch):
    (tmp_path / "silicon").mkdir()
    monkeypatch.chdir(tmp_path / "silicon")
    assert bundle_name("bundle") == "silicon"


@pytest.mark.parametrize(
    ("names", "given", "distinct"),
    [
        (["mine", "other"], ["a/mine/bundle", "b/other/bundle"], ["mine", "other"]),
        (["mine", "mine", "random"], ["a/mine", "b/mine", "random"], ["a/mine", "b/mine", "random"]),
        (["random", "random"], ["random", "random"], ["random", "random (2)"]),
        (["search", "search"], ["mine:Search", "search"], ["mine:Search", "search"]),
    ],
)
def test_equal_names_are_told_apart_by_what_was_given(names, given, distinct):
    assert distinct_names(names, given) == distinct
