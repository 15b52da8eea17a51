"""Failed episodes with unknown crystals are drawn, with a word on why they failed."""

from PIL import Image

from beamgym.agents.evaluation import make_vector_env
from beamgym.agents.policies import find_policy
from beamgym.scripts.laue_gallery.zones import zone_failure

ID = "beamgym/LaueZone-v0"


def told(name, tmp_path, **options):
    env = make_vector_env(ID, 1, "published", {"moves": 1, "stop": "declare", "tolerance_deg": 0.5, **options})
    picture = tmp_path / "end.png"
    said = zone_failure(env, find_policy(name, ID, ""), 6002, picture)
    with Image.open(picture) as drawn:
        assert drawn.size == (960, 540)
    return said


def test_a_finder_that_had_no_moves_knew_the_right_lines(tmp_path):
    said = told("zone-finder", tmp_path)
    assert said.startswith("declared: ")
    assert "the right lines (p = 1.000)" in said


def test_a_policy_without_beliefs_has_none_told(tmp_path):
    assert told("blind-spiral", tmp_path).endswith("° off")
