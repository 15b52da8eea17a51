"""`python -m beamgym.scripts.indexing.crude_cameras`: crude cameras are found, and errors are as large as stated."""

from io import StringIO

import numpy as np
import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from beamgym.scripts.indexing.crude_cameras import Found, crude_cameras, table_of


def found(error_deg=0.02, ratio=0.7, warned=False):
    return Found(0.001, 0.04, 0.1, False, True, error_deg, ratio, warned)


def test_the_table_counts_right_wrong_and_warned():
    text = StringIO()
    Console(width=110, file=text).print(
        table_of([found(), found(warned=True), found(50.0, 900.0), found(np.nan, np.nan)], "four")
    )
    said = " ".join(text.getvalue().split())
    for line in (
        "stated camera 0 of 4",
        "solved right 2 of 4",
        "right, warned about 1 of 4",
        "wrong, not warned about 1",
    ):
        assert line in said


def test_two_pictures_are_solved_and_told():
    app = typer.Typer()
    app.command()(crude_cameras)
    answer = CliRunner().invoke(app, ["--pictures", "2", "--seed", "5000"])
    assert answer.exit_code == 0
    assert "solved right 2 of 2" in " ".join(answer.stdout.split())


@pytest.mark.slow
def test_crude_cameras_are_found_and_the_uncertainty_is_honest():
    from beamgym.physics.crystal import load_crystal
    from beamgym.physics.laue.indexing import BAND_KEV, Indexer
    from beamgym.physics.laue.lab import lab_picture
    from beamgym.scripts.indexing.crude_cameras import CRYSTALS, found_of

    crystals = [load_crystal(name) for name in CRYSTALS]
    indexers = [Indexer(crystal, BAND_KEV) for crystal in crystals]
    every = [found_of(crystals[n % 8], indexers[n % 8], lab_picture(crystals[n % 8], 5000 + n)) for n in range(48)]
    ratio = np.array([one.ratio for one in every if one.error_deg < 1.0])
    assert len(ratio) >= 46
    assert (ratio < 2.0).mean() >= 0.95
    assert 0.5 < np.median(ratio) < 1.0
    assert np.mean([one.sharpest for one in every]) >= 0.95
    assert np.median([abs(one.distance) for one in every]) < 0.005
