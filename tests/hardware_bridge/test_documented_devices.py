"""The devices that docs/deploying.md shows drive the practice instrument as they are printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from beamgym.hardware_bridge.instrument_file.load import shipped_instrument

pytest.importorskip("caproto", reason="the practice instrument needs the extra 'ioc'")
pytest.importorskip("aioca", reason="the documented devices need the extra 'epics'")

PAGE = Path(__file__).parents[2] / "docs" / "deploying.md"
LIMIT_S = 900.0


def printed(library: str) -> str:
    blocks = re.findall(r"```python\n(# my_devices\.py\n.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    (found,) = [block for block in blocks if f"from {library}" in block]
    return found


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with the instrument file as the page says: the practice instrument's, with objects in place of PVs."""
    content = yaml.safe_load(shipped_instrument("laue_soft_ioc").read_text(encoding="utf-8"))
    for name in (*(f"j{i}" for i in range(1, 7)), "camera", "shutter"):
        content["devices"][name] = {"adapter": "object", "address": f"my_{name}"}
    (tmp_path / "instrument.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return tmp_path


def deploy(here: Path, *words: str) -> str:
    # A process of its own: classic ophyd's threads and channels end with it.
    command = [sys.executable, "-m", "beamgym.scripts.main", "deploy", "index-and-move", "-i", "instrument.yaml"]
    command += ["--devices", "my_devices.py", *words]
    client = {name: value for name, value in os.environ.items() if not name.startswith("EPICS_CAS_")}
    done = subprocess.run(command, cwd=here, env=client, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("library", ["ophyd_async", "ophyd"])
def test_the_printed_devices_are_read(laue_ioc, here, library):
    pytest.importorskip(library, reason=f"{library} is not installed")
    (here / "my_devices.py").write_text(printed(f"{library}.core" if "_" in library else f"{library} "))
    said = deploy(here, "--check")
    assert "the guard would arm" in said
    assert "(512, 512)" in said
    assert said.count("both") == 6, "each motor's own limits were read"
    assert laue_ioc.puts() == []


@pytest.mark.slow
@pytest.mark.parametrize("library", ["ophyd_async", "ophyd"])
def test_the_printed_devices_are_driven(laue_ioc, here, library):
    pytest.importorskip(library, reason=f"{library} is not installed")
    (here / "my_devices.py").write_text(printed(f"{library}.core" if "_" in library else f"{library} "))
    said = deploy(here, "--signs", "--yes", "--confirm", "never")
    assert "direction check passed" in said
    truth = laue_ioc.truth()
    assert (truth["frames"], truth["shutter_open"], truth["moving"]) == (7, False, [])
    assert truth["positions"] == pytest.approx(dict.fromkeys(truth["positions"], 0.0), abs=0.02)
