"""The program of docs/bands.md runs as it is printed."""

import h5py
import numpy as np


def test_the_program_of_the_page_runs_on_a_cube_and_a_theory(made, distorted, printed, tmp_path, monkeypatch, capsys):
    cube, truth = made((14, 14, 120), 2)
    theory = distorted(truth)
    with h5py.File(tmp_path / "cube.h5", "w") as store:
        store["E"], store["kx"], store["ky"] = cube.energy_ev, cube.kx, cube.ky
        store["V"] = np.moveaxis(cube.intensity, 2, 0)
    with h5py.File(tmp_path / "theory.h5", "w") as store:
        store["kx"], store["ky"], store["bands"] = theory.kx, theory.ky, theory.energy_ev
    monkeypatch.chdir(tmp_path)
    exec(printed("bands.md", "reconstruct_joint"), {})
    numbers, gap, masses, *similarity = capsys.readouterr().out.splitlines()
    assert int(numbers) < 60
    assert "direct_ev=0.3" in gap or "direct_ev=0.4" in gap  # 0.7 eV less what both bands disperse
    assert masses.startswith("(-")  # a hole: the highest band has its maximum there
    assert len(similarity) == 2
