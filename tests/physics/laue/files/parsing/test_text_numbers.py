"""A whole word is a number, or it is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamgym.physics.laue.files.parsing.text_numbers import number, numbers_of_line


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_python_prints_is_read_back_exactly(value):
    assert number(repr(value)) == value
    assert number(repr(value).replace(".", ","), ",") == value


@pytest.mark.parametrize("word", ["", "1_000", "0x10", "1e", "1,5", "1.2.3", "12px", "--", "1 2", "½", "٣", "²"])
def test_what_is_no_number_as_a_whole_is_none(word):
    assert number(word) is None


@pytest.mark.parametrize("word", ["1.5", "1,2,3", "1.000,5"])
def test_points_do_not_go_with_decimal_commas(word):
    assert number(word, ",") is None


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9), st.sampled_from([", ", ",", " ", "\t", "  "]))
def test_a_line_of_numbers_comes_back_as_many_as_it_had(values, separator):
    for text in (separator.join(map(repr, values)), f"[{separator.join(map(repr, values))}]"):
        assert numbers_of_line(text) == values


@pytest.mark.parametrize("line", ["1, nan", "1, , 2", "1 inf 2", "a", "", "1;;2", "np.float64(1), np.float64(x)"])
def test_a_line_with_one_word_that_is_none_is_refused_as_a_whole(line):
    with pytest.raises(ValueError, match="is not a number, in "):
        numbers_of_line(line)
