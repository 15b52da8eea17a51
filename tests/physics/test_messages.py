"""Every message is one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamgym.physics.messages import named_line, one_line


@pytest.mark.parametrize(
    ("error", "limit", "text"),
    [
        (ValueError("no such cell"), None, "no such cell"),
        (ValueError("first line\n    second\tline\n"), None, "first line second line"),
        (TimeoutError(), None, "TimeoutError"),
        (ValueError("\n"), 200, "ValueError"),
        (UserWarning("é Å µ − 90°"), None, "é Å µ − 90°"),
        (OSError("red \x1b[31m text"), None, "red ?[31m text"),
        ("a text", 3, "a t"),
    ],
)
def test_an_exception_says_in_one_line_what_it_says(error, limit, text):
    assert one_line(error, limit) == text


@given(st.text(), st.integers(1, 50))
def test_whatever_an_exception_holds_is_one_printable_line_of_at_most_so_many_letters(text, limit):
    said = one_line(ValueError(text), limit)
    assert said.isprintable()
    assert 0 < len(said) <= limit


def test_an_error_of_somebody_elses_code_is_told_with_its_class():
    assert named_line(KeyError("phi")) == "KeyError: 'phi'"
