"""`beamgym matcher` refuses what cannot be before it trains."""

import pytest

from beamgym.scripts.matcher import matcher_command


@pytest.fixture
def matcher(as_verb, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.pt").write_text("no network")
    return as_verb(matcher_command, columns=140)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--minutes", "40", "--file", "nowhere/matcher.pt"], "directory that exists"),
        (["--minutes", "40", "--crystal", "nowhere.cif"], "no CIF file"),
        (["--minutes", "40", "--regime", "nonsense"], "a regime is one of"),
        (["--file", "text.pt", "--crystal", "Si"], "no trained matcher"),
        (["--minutes", "40", "--file", "text.pt", "--crystal", "Si"], "no trained matcher"),
        (["--crystal", "Si"], "there is no trained network"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_before_any_training(matcher, arguments, says):
    result = matcher(*arguments)
    assert isinstance(result.exception, ValueError | OSError)
    assert says in str(result.exception)
    assert "\n" not in str(result.exception)
