"""Damaged files of every kind that a user hands over: a right answer or one line, soon, and without much memory.

Every group runs in a process of its own, so that a reader that hangs or ends the process fails one test and no more.
`python tests/fuzzing/run.py GROUP SEED COUNT FOLDER` repeats one and keeps the files.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).with_name("run.py")
MOST_MEMORY_MB = 1000
LONGEST_S = 10.5
"""The alarm rings after 10 s."""
IN_CI = {"cif": 60, "detectors": 120, "lists": 120, "tiff": 120, "pictures": 140, "hdf5": 24, "yaml": 80}
IN_ALL = {"cif": 600, "detectors": 1500, "lists": 1500, "tiff": 1200, "pictures": 1400, "hdf5": 200, "yaml": 800}


def fuzz(group, seed, count):
    done = subprocess.run(
        [sys.executable, str(RUN), group, str(seed), str(count)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["failures"] == []
    assert report["read"] + report["refused"] == count
    assert report["memory_mb"] < MOST_MEMORY_MB
    assert report["longest_s"] < LONGEST_S


@pytest.mark.parametrize("group", IN_CI)
def test_a_damaged_file_is_read_rightly_or_refused_in_one_line(group):
    fuzz(group, 1, IN_CI[group])


@pytest.mark.slow
@pytest.mark.parametrize("group", IN_ALL)
def test_thousands_of_damaged_files_are(group):
    fuzz(group, 20, IN_ALL[group])
