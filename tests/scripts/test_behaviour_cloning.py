"""docs/behaviour_cloning.md as a reader would follow it: an expert's episodes, an imitator, success on unseen seeds."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "behaviour_cloning.md"


def said_by(words, folder):
    """Run a command in a folder; return what it printed."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "BEAMGYM_QUIET": "1"}
    done = subprocess.run([sys.executable, *words], cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


@pytest.mark.slow
def test_the_page_leads_from_no_success_to_the_experts(tmp_path):
    page = PAGE.read_text(encoding="utf-8")
    for name, text in re.findall(r"```python\n# (\S+)\n(.*?)```", page, flags=re.DOTALL):
        (tmp_path / name).write_text(text, encoding="utf-8")
    commands = re.findall(r"^beamgym (dataset .*)$", page.replace(" \\\n ", ""), flags=re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        assert " 500 successes" in said_by(["-m", "beamgym.scripts.main", *command.split()], tmp_path)
    before, after = re.findall(r": ([\d.]+) %", said_by(["clone.py"], tmp_path))
    assert float(before) == 0.0
    assert float(after) >= 98.0
