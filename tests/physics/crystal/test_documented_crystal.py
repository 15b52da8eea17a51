"""The programs of docs/add_a_crystal.md run, and their three crystals are the same."""

import numpy as np
import pytest

from beamgym.physics.crystal import load_crystal
from beamgym.physics.crystal.cif import CifWarning
from beamgym.physics.crystal.named import NAMED_CRYSTALS

PAGE = "add_a_crystal.md"


def run(text):
    names = {}
    exec(compile(text, PAGE, "exec"), names)
    return names


def test_file_structure_and_name_are_one_crystal(printed, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("beamgym.physics.crystal.named.NAMED_CRYSTALS", dict(NAMED_CRYSTALS))
    monkeypatch.setattr("beamgym.physics.crystal.crystal.NAMED_CRYSTALS", dict(NAMED_CRYSTALS))
    with pytest.warns(CifWarning, match="those of F m -3 m are used"):
        file = run(printed(PAGE, "fluorite.cif"))
    assert file["env"].observation_space.contains(file["observation"])
    assert capsys.readouterr().out.startswith("CaF2 m-3m ")
    program = run(printed(PAGE, "Lattice.cubic"))
    row = run(printed(PAGE, "NamedCrystal("))["NAMED_CRYSTALS"]["CaF2"]
    monkeypatch.setattr("beamgym.physics.crystal.crystal.NAMED_CRYSTALS", {**NAMED_CRYSTALS, "CaF2": row})
    tables = [crystal.reflections(15.0) for crystal in (file["fluorite"], program["fluorite"], load_crystal("CaF2"))]
    for table in tables[1:]:
        np.testing.assert_array_equal(table.hkl, tables[0].hkl)
        np.testing.assert_allclose(table.f0, tables[0].f0, rtol=1e-6)
    assert len(load_crystal("CaF2").rotations) == 24, "m-3m has 24 proper rotations"
    assert program["neutrons"].radiation == "neutron"
