"""What a human has not decided yet keeps a file from loading, and is named with its place."""

import copy

import pytest
import yaml

from beamgym.hardware_bridge.instrument_file import UNDECIDED
from beamgym.hardware_bridge.instrument_file.load import parse_instrument, shipped_instrument


def _refusal(*places):
    content = copy.deepcopy(yaml.safe_load(shipped_instrument("laue_epics").read_text(encoding="utf-8")))
    for path in places:
        here = content
        for step in path[:-1]:
            here = here[step]
        here[path[-1]] = UNDECIDED
    with pytest.raises(ValueError, match="mine") as caught:
        parse_instrument(content, "mine.yaml")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("axes", 1, "vector"), "axes[1] (lower_arc): vector"),
        (("axes", 1, "vector", 2), "axes[1] (lower_arc): vector"),
        (("axes", 0, "zero"), "axes[0] (rotation): zero"),
        (("axes", 0, "sign"), "axes[0] (rotation): sign"),
        (("detector", "origin_mm"), "detector: origin_mm"),
        (("detector", "transpose"), "detector: transpose"),
        (("envelopes",), "envelopes"),
        (("laue", "crystal"), "laue: crystal"),
        (("name",), "name"),
        (("suspenders", 0, "low"), "suspenders[0] (beam): low"),
    ],
)
def test_one_open_place_is_named(path, place):
    assert _refusal(path).startswith(f"mine.yaml: {place} is not decided: no record can tell it; write its value")


def test_of_many_the_first_is_named_and_the_others_counted():
    places = [("axes", i, key) for i in range(3) for key in ("vector", "zero")]
    said = _refusal(*places)
    assert said.startswith("mine.yaml: axes[0] (rotation): vector is not decided")
    assert said.endswith("axes[1] (lower_arc): vector, axes[1] (lower_arc): zero and 2 more")
