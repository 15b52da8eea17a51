"""The site of docs/: every page has its place, its purpose and a way on; every picture is made by a command."""

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))
PICTURES = {
    "align-Si.gif": "beamgym demo",
    "arpes_align.png": "beamgym benchmark",
    "arpes_rivals.png": "beamgym benchmark",
    "arpes_spot.png": "beamgym benchmark",
    "arpes_study.png": "beamgym study",
    "bands_patch.png": "beamgym bands",
    "domains_calibration.png": "beamgym benchmark arpes-domains",
    "domains_sample.png": "beamgym domains",
    "gap_calibration.png": "beamgym benchmark arpes-gap --curves",
    "gap_edc.png": "beamgym gap edc.txt",
    "mosaic.png": "beamgym mosaic demo",
    "mosaic_outlines.jpg": "beamgym mosaic outlines",
    "neutron_cylinder.png": "index_suite.plates",
    "operator_page.png": "beamgym deploy",
}
"""Pictures of single pages, with the command of that page that makes it."""


def loaded(name):
    """A module of `.ci`, which is no part of the package."""
    spec = spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def nav_pages(entries):
    """Pages of a part of the nav, depth first."""
    for entry in entries:
        if isinstance(entry, str):
            yield entry
        else:
            for inner in entry.values():
                yield from [inner] if isinstance(inner, str) else nav_pages(inner)


class AnyTag(yaml.SafeLoader):
    """Reads what MkDocs understands and PyYAML alone does not."""


AnyTag.add_multi_constructor("", lambda loader, suffix, node: suffix)


def test_every_page_stands_once_in_the_nav():
    config = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader=AnyTag)
    listed = sorted(nav_pages(config["nav"]))
    assert listed == PAGES


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_what_it_is_for_before_anything_else(page):
    lines = [line for line in (DOCS / page).read_text(encoding="utf-8").splitlines() if line.strip()]
    assert lines[0].startswith("# ")
    assert re.match(r"[A-Z`\[*]", lines[1]), f"{page} begins with {lines[1]!r}"


@pytest.mark.parametrize("page", PAGES)
def test_no_page_is_a_dead_end(page):
    assert re.search(r"\]\([\w./]+\.md[)#]", (DOCS / page).read_text(encoding="utf-8")), f"{page} leads nowhere"


def test_every_picture_is_shown_and_made_by_a_command():
    texts = {page: (DOCS / page).read_text(encoding="utf-8") for page in PAGES} | {
        "README.md": (ROOT / "README.md").read_text("utf-8")
    }
    for picture in sorted(path for path in (DOCS / "images").rglob("*") if path.is_file()):
        name = picture.relative_to(DOCS / "images").as_posix()
        command = PICTURES.get(name) or {"environments": "beamgym envs --pictures", "geometry": ".ci/drawings.py"}.get(
            re.split("[/_]", name)[0]
        )
        showing = [page for page, text in texts.items() if f"images/{name}" in text]
        assert showing, f"{name} is shown nowhere"
        assert command, f"{name} has no command; name one in PICTURES"
        assert any(command in texts[page] for page in showing), f"{name}: no page that shows it says {command!r}"


def test_the_drawings_are_those_of_their_program(tmp_path):
    drawings = loaded("drawings")
    for name in ("laue", "arpes", "plate"):
        getattr(drawings, name)().write(tmp_path / "it.svg")
        assert (tmp_path / "it.svg").read_text() == (DOCS / "images" / f"geometry_{name}.svg").read_text()


def test_the_panel_of_the_drawing_is_the_panel_of_the_code():
    from beamgym.physics.laue.detector import Detector

    panel = Detector.back_reflection(distance_mm=70.0, shape=(20, 20), pixel_mm=1.0)
    assert panel.fast.tolist() == [0.0, 1.0, 0.0]
    assert panel.slow.tolist() == [0.0, 0.0, -1.0]
    assert panel.origin_mm[1] < 0 < panel.origin_mm[2]


def test_what_is_cited_is_the_version_that_is_released():
    version = re.search(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text("utf-8"), flags=re.MULTILINE).group(1)
    assert f"version: {version}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"{{{version}}}" in (DOCS / "release.md").read_text("utf-8")
