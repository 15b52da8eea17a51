"""`beamgym speed` keeps its machine-readable contract; how fast anything is, no test says."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from beamgym.scripts import main, speed
from beamgym.scripts.speeds import cases as speed_cases
from beamgym.scripts.speeds import history, machine_kernels, starting
from beamgym.scripts.speeds import row as speed_row
from beamgym.scripts.speeds.laue import back_reflection, lists_in_numpy
from beamgym.scripts.speeds.work import SelfTimed, Work

KEYS = ["name", "value", "unit", "peer", "peer_value", "ratio", "all_cores", "threads", "yardstick", "why", "machine"]
CONTRACT = (
    "laue_spots_si_back",
    "laue_image_2048",
    "laue_image_84_noise",
    "index_60_peaks",
    "env_laue_spots_vec256",
    "env_laue_image_84",
)


def invoke(*words):
    return CliRunner().invoke(main.app, ["speed", *words])


def test_the_names_of_the_contract_are_there():
    assert set(CONTRACT) <= set(speed_cases.CASES)
    assert set(speed_cases.PEERS) <= set(speed_cases.CASES)


def test_one_row_is_written_as_the_contract_says(tmp_path):
    file = tmp_path / "speed.json"
    result = invoke("--only", "laue_image_84_noise", "--repeats", "1", "--seconds", "0", "--json", str(file))
    assert result.exit_code == 0, result.output
    (row,) = json.loads(file.read_text())
    assert list(row) == KEYS
    assert (row["name"], row["unit"]) == ("laue_image_84_noise", "images/s")
    assert row["value"] > 0
    assert row["peer"].startswith("numpy")
    assert row["ratio"] == row["value"] / row["peer_value"]
    assert row["all_cores"] is row["threads"] is row["why"] is None
    assert row["machine"] in " ".join(result.output.split())
    assert [entry.name for entry in tmp_path.iterdir()] == ["speed.json"]


def test_an_absent_peer_is_null(monkeypatch):
    def absent(seed):
        raise ModuleNotFoundError("No module named 'laue_torch'", name="laue_torch")

    monkeypatch.setitem(speed_cases.CASES, "laue_spots_si_back", (lambda seed: Work(lambda: None, 3), "lists/s"))
    monkeypatch.setitem(speed_cases.PEERS, "laue_spots_si_back", ("laue-torch", absent))
    row = speed_row.row("laue_spots_si_back", 0, 1, 0.0)
    assert row["peer"] is row["peer_value"] is row["ratio"] is None
    assert row["why"] == "laue-torch is not installed: pip install 'beamgym[peers]'"
    assert row["yardstick"] > 0


def test_what_needs_an_extra_that_is_not_there_says_which(monkeypatch):
    def read():
        raise ImportError("ophyd_async is needed; pip install 'beamgym[hardware]'")

    monkeypatch.setitem(speed_cases.CASES, "guard_step_ms", (lambda seed: SelfTimed(read), "ms"))
    row = speed_row.row("guard_step_ms", 0, 1, 0.0)
    assert row["value"] is None
    assert row["why"] == "ophyd_async is needed; pip install 'beamgym[hardware]'"


def test_what_can_be_read_once_is_read_once(monkeypatch):
    seen = []
    once = SelfTimed(lambda: seen.append(1) or 5.0, again=False)
    monkeypatch.setitem(speed_cases.CASES, "memory_1024_mb", (lambda seed: once, "MiB"))
    assert speed_row.row("memory_1024_mb", 0, 3, 0.0)["value"] == 5.0
    assert len(seen) == 1


def test_threads_are_timed_where_the_work_has_them(monkeypatch):
    asked = []
    work = Work(lambda: None, 3, lambda threads: lambda: asked.append(threads))
    monkeypatch.setattr(speed_row, "cores", lambda: 2)
    monkeypatch.setitem(speed_cases.CASES, "index_60_peaks", (lambda seed: work, "lists/s"))
    row = speed_row.row("index_60_peaks", 0, 2, 0.0)
    assert row["threads"] == 2
    assert row["all_cores"] > 0
    assert set(asked) == {2}
    assert speed_row.measure_shared(work, 1, 1, 0.0) is None
    assert speed_row.measure_shared(Work(lambda: None, 3), 2, 1, 0.0) is None


def test_the_ratio_is_ours_by_theirs(monkeypatch):
    monkeypatch.setattr(speed_row, "measure", lambda work, repeats, seconds: work.amount)
    monkeypatch.setitem(speed_cases.CASES, "laue_spots_si_back", (lambda seed: Work(lambda: None, 30), "lists/s"))
    monkeypatch.setitem(speed_cases.PEERS, "laue_spots_si_back", ("peer", lambda seed: Work(lambda: None, 4)))
    assert speed_row.row("laue_spots_si_back", 0, 1, 0.0)["ratio"] == 7.5


def test_the_first_call_which_compiles_is_not_counted():
    calls = []
    speed_row.measure(Work(lambda: calls.append(len(calls)), 1), repeats=3, seconds=0.0)
    assert len(calls) == 4


def test_rows_run_with_one_thread_whatever_the_environment_says():
    assert set(speed.ONE_THREAD.values()) == {"1"}
    assert {"OMP_NUM_THREADS", "NUMBA_NUM_THREADS"} <= set(speed.ONE_THREAD)


def test_the_timed_cases_do_what_they_are_called():
    assert speed_cases.laue_image_84_noise(0).once().shape == (256, 84, 84)
    spots = speed_cases.laue_spots_si_back(0).once()
    assert len(spots.count) == 256
    assert np.all(spots.intensity[spots.mask] > 0)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--only", "laue_spots_si_bak"), "did you mean 'laue_spots_si_back'"),
        (("--only", "env_laue_zone,??"), "unknown row '??'; there are laue_spots_si_back, "),
        (("--only", ""), "names no row; there are laue_spots_si_back, "),
        (("--only", ", ,"), "names no row; there are laue_spots_si_back, "),
        (("--only", "env_laue_zone", "--history", "."), "it is a folder"),
        (("--only", "env_laue_zone", "--seconds", "inf"), "--seconds is inf"),
        (("--only", "laue_spots_si_back", "--json", "/nowhere/at/all.json"), "directory that exists"),
        (("--only", "laue_spots_si_back", "--history", "/nowhere/at/all.jsonl"), "directory that exists"),
    ],
)
def test_a_mistake_is_one_line_and_a_failure(words, says):
    result = invoke(*words)
    assert result.exit_code == 1
    (line,) = [line for line in result.output.splitlines() if line.strip()]
    assert line.startswith("error: ")
    assert says in line


def test_a_row_that_fails_says_why():
    with pytest.raises(OSError, match=r"could not be measured: KeyError"):
        speed.measured_apart("no_such_row", 0, 1, 0.0)


def test_a_row_that_fails_is_named_and_the_others_are_shown(monkeypatch):
    good = {**dict.fromkeys(speed.KEYS), "name": "good", "value": 2000.0, "unit": "lists/s"}

    def measured(name, *_):
        if name == "laue_image_2048":
            raise OSError("could not be measured: MemoryError")
        return good

    monkeypatch.setattr(speed, "measured_apart", measured)
    result = invoke("--only", "laue_image_2048,laue_spots_si_back")
    assert result.exit_code == 1
    assert "2,000" in result.output
    assert "laue_image_2048: could not be measured: MemoryError" in result.output
    assert "error: a row could not be measured: laue_image_2048" in result.output


def test_the_rows_are_named_in_the_help():
    assert set(speed.KEYS) == set(KEYS)
    words = invoke("--help").output.replace("\n", "").replace(" ", "").replace("│", "")
    assert all(name in words for name in speed_cases.CASES)


def row_of(name, ratio, unit="lists/s", **more):
    return {**dict.fromkeys(KEYS), "name": name, "value": 10.0, "unit": unit, "ratio": ratio, "yardstick": 1e6, **more}


def test_a_ratio_is_to_the_peer_or_else_to_the_yardstick():
    found = history.ratios(
        [
            row_of("peer", 2.5, peer="other", peer_value=4.0),
            row_of("rate", None),
            row_of("clock", None, unit="ms"),
            row_of("memory", None, unit="MiB"),
            {**row_of("empty", None), "value": None},
            {**row_of("odd", None), "value": float("nan")},
            {**row_of("alone", None), "yardstick": 0.0},
        ]
    )
    assert found == {"peer": 2.5, "rate": 10.0, "clock": 100.0, "memory": 102.4}


def test_a_fall_by_more_than_a_third_fails_and_does_not_become_what_it_was(monkeypatch, tmp_path):
    file, now = tmp_path / "history.jsonl", {"ratio": 3.0}
    monkeypatch.setattr(speed, "measured_apart", lambda name, *_: row_of(name, now["ratio"], peer="other"))
    words = ("--only", "laue_spots_si_back", "--history", str(file))
    for ratio, code in ((3.0, 0), (2.5, 0), (1.5, 1), (1.5, 1), (2.0, 0)):
        now["ratio"] = ratio
        result = invoke(*words)
        assert result.exit_code == code, result.output
        assert ("laue_spots_si_back to 55 %" in result.output) == (code == 1)
    runs = history.read_history(file)
    assert [run["fallen"] for run in runs] == [[], [], ["laue_spots_si_back"], ["laue_spots_si_back"], []]


def test_a_slow_decline_falls_in_the_end(tmp_path):
    file, fallen = tmp_path / "history.jsonl", []
    for number in range(20):
        rows = [row_of("lists", 100.0 * 0.95**number, peer="other")]
        comparison = history.compared(history.read_history(file), rows)
        history.append_run(file, rows, "a machine", list(comparison.fallen))
        fallen.append(bool(comparison.fallen))
    assert fallen == [False] * 10 + [True] * 10  # 0.95^10 is below two thirds of 0.95^2, the third of the best five


def test_memory_may_not_grow_by_more_than_a_third(tmp_path):
    file = tmp_path / "history.jsonl"
    history.append_run(file, [{**row_of("memory", None, unit="MiB"), "value": 120.0}], "a machine", [])
    runs = history.read_history(file)
    for mebibytes, falls in ((159.0, False), (161.0, True)):
        rows = [{**row_of("memory", None, unit="MiB"), "value": mebibytes}]
        assert bool(history.compared(runs, rows).fallen) == falls


def test_another_peer_begins_anew_and_is_said(tmp_path):
    file = tmp_path / "history.jsonl"
    history.append_run(file, [row_of("lists", 100.0, peer="laue-torch")], "a machine", [])
    runs = history.read_history(file)
    without = history.compared(runs, [row_of("lists", None, peer=None), row_of("new", 1.0)])
    assert without.fallen == {}
    assert without.left_out == {
        "lists": "beside laue-torch before, and now beside the yardstick",
        "new": "no run before has it",
    }
    assert history.compared(runs, [row_of("lists", 50.0, peer="laue-torch")]).fallen == {"lists": 0.5}


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"value": None, "why": "caproto not installed"}, "caproto not installed"),
        ({"value": float("nan"), "ratio": float("nan")}, "it has no ratio in this run"),
        ({"ratio": None, "yardstick": 0.0}, "it has no ratio in this run"),
    ],
)
def test_a_row_that_cannot_be_compared_is_named_and_not_written(monkeypatch, tmp_path, more, why):
    file, now = tmp_path / "history.jsonl", {}
    monkeypatch.setattr(speed, "measured_apart", lambda name, *_: {**row_of(name, 3.0, peer="other"), **now})
    words = ("--only", "laue_spots_si_back", "--history", str(file))
    assert invoke(*words).exit_code == 0
    before = file.read_text(encoding="utf-8")
    now.update(more)
    result = invoke(*words)
    assert f"not compared: laue_spots_si_back: {why}" in result.output
    assert file.read_text(encoding="utf-8") == before


def test_of_a_run_in_which_nothing_could_be_measured_nothing_is_appended(monkeypatch, tmp_path):
    def measured(name, *_):
        raise OSError("could not be measured: MemoryError")

    monkeypatch.setattr(speed, "measured_apart", measured)
    file = tmp_path / "history.jsonl"
    assert invoke("--only", "laue_image_2048", "--history", str(file)).exit_code == 1
    assert not file.exists()


def test_a_file_whose_last_line_has_no_end_is_appended_to_on_a_line_of_its_own(tmp_path):
    file = tmp_path / "history.jsonl"
    history.append_run(file, [row_of("lists", 3.0)], "a machine", [])
    file.write_text("\n" + file.read_text(encoding="utf-8").rstrip("\n"), encoding="utf-8")
    history.append_run(file, [row_of("lists", 4.0)], "a machine", [])
    assert [run["ratios"]["lists"] for run in history.read_history(file)] == [3.0, 4.0]


@pytest.mark.parametrize(
    "damaged",
    [
        b'{"ratios": 3}',
        b'{"ratios": {"lists": "3"}, "peers": {}, "fallen": []}',
        b'{"ratios": {"lists": null}, "peers": {}, "fallen": []}',
        b'{"ratios": {"lists": 0}, "peers": {}, "fallen": []}',
        b'{"ratios": {"lists": true}, "peers": {}, "fallen": []}',
        b'{"ratios": {"lists": NaN}, "peers": {}, "fallen": []}',
        b'{"ratios": {"lists": 3.0}, "peers": {"lists": 1}, "fallen": []}',
        b"[1]",
        b"\xff\x00\x01",
    ],
)
def test_a_line_that_is_no_run_is_refused_before_anything_is_measured(monkeypatch, tmp_path, damaged):
    monkeypatch.setattr(speed, "measured_apart", lambda *_: pytest.fail("measured"))
    file = tmp_path / "history.jsonl"
    history.append_run(file, [row_of("lists", 3.0)], "a machine", [])
    with file.open("ab") as stream:
        stream.write(b"\n" + damaged + b"\n")
    result = invoke("--only", "laue_spots_si_back", "--history", str(file))
    assert result.exit_code == 1
    assert "line 3 is no run" in result.output


def test_rows_are_kept_and_named_as_they_are_finished(monkeypatch, tmp_path):
    file = tmp_path / "speed.json"

    def measured(name, *_):
        if name == "laue_image_2048":
            assert [row["name"] for row in json.loads(file.read_text())] == ["laue_spots_si_back"]
            raise KeyboardInterrupt
        return row_of(name, 3.0)

    monkeypatch.setattr(speed, "measured_apart", measured)
    result = invoke("--only", "laue_spots_si_back,,laue_spots_si_back,laue_image_2048", "--json", str(file))
    assert result.exit_code != 0
    assert "1 of 2: laue_spots_si_back: 10 lists/s" in result.output
    assert len(json.loads(file.read_text())) == 1


def test_what_is_to_be_installed_is_said_with_its_brackets(monkeypatch):
    why = "caproto not installed: pip install 'beamgym[hardware,epics,ioc]'"
    monkeypatch.setattr(speed, "measured_apart", lambda name, *_: {**row_of(name, None), "value": None, "why": why})
    result = invoke("--only", "deploy_check_s")
    assert result.exit_code == 0, result.output
    assert why in " ".join(result.stdout.split())


def test_a_deployment_is_not_timed_without_what_it_needs(monkeypatch):
    monkeypatch.setattr(starting, "find_spec", lambda module: None if module == "caproto" else module)
    row = speed_row.row("deploy_check_s", 0, 1, 0.0)
    assert row["value"] is None
    assert row["why"] == "caproto not installed: pip install 'beamgym[hardware,epics,ioc]'"


def test_the_lists_in_numpy_are_the_lists_of_the_kernels():
    model, orientations = back_reflection("Si", 0, 3)
    listed = lists_in_numpy(model)
    for u in orientations:
        spots = model.spots(u[None])
        position, strength = listed(u)
        assert len(position) == spots.count[0]
        np.testing.assert_allclose(spots.position_px[0], position, atol=2e-3)
        share = spots.intensity[0] / strength
        np.testing.assert_allclose(share, np.median(share), rtol=2e-3)


def test_the_kernels_of_the_machine_compute_what_they_say():
    x = np.linspace(0.0, 1.0, 50, dtype=np.float32)
    chained, triad = x.copy(), np.empty_like(x)
    machine_kernels.multiply_add(chained, np.float32(0.5), np.float32(0.25), 3)
    expected = x.copy()
    for _ in range(3 * machine_kernels.CHAIN):
        expected = expected * np.float32(0.5) + np.float32(0.25)
    np.testing.assert_allclose(chained, expected, rtol=1e-6)
    machine_kernels.triad(x, chained, triad, np.float32(3.0))
    np.testing.assert_allclose(triad, x + 3 * chained, rtol=1e-6)


def test_trainings_are_shown_by_phase(monkeypatch, tmp_path):
    row = {"phase": "PPO", "steps_per_s": 1234.5, "simulation": 0.081, "acting": 0.2, "learning": 0.719}
    monkeypatch.setattr(speed, "phases_of", lambda env_id, seconds, seed: [{"environment": env_id, **row}])
    file = tmp_path / "shares.json"
    result = invoke("--training", "--json", str(file))
    assert result.exit_code == 0, result.output
    assert "8.1 %" in result.output
    shown = {each["environment"] for each in json.loads(file.read_text())}
    assert shown == set(speed.trained()) >= {"beamgym/LaueAlign-v0", "beamgym/LaueZone-v0", "beamgym/ArpesSpot-v0"}


def test_a_training_and_rows_are_not_asked_for_at_once():
    result = invoke("--training", "--only", "env_laue_zone")
    assert result.exit_code == 1
    assert "leave out --only and --history" in result.output
