"""A data set has the same bytes however often it was cut and wherever it was made; what is wrong there is named."""

import json
import os
import resource
import signal
import subprocess
import sys
import time

import h5py
import jobs_to_do as jobs
import numpy as np
import pytest

from beamgym.physics.jobs import (
    MANIFEST,
    DamagedShard,
    InProcess,
    Processes,
    ShardRow,
    hdf5_bytes,
    read_manifest,
    write_shards,
)

pytestmark = pytest.mark.filterwarnings("ignore:2 workers share 1 cores")


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    write_shards(jobs.plan_of(folder), InProcess())
    return files_of(folder)


def test_a_manifest_lists_every_shard_with_its_checksum(undisturbed):
    manifest = json.loads(undisturbed[MANIFEST])
    assert manifest["settings"] == {"kind": "numbers", "seed": 3, "per_shard": 2}
    assert manifest["samples"] == 25
    assert [row["samples"] for row in manifest["shards"]] == [2] * 12 + [1]
    assert {row["name"] for row in manifest["shards"]} | {MANIFEST} == set(undisturbed)
    assert all(row["bytes"] == len(undisturbed[row["name"]]) for row in manifest["shards"])


def test_processes_one_of_which_dies_write_the_same_bytes(tmp_path, undisturbed):
    lost = []
    make = jobs.DiesOnce(tmp_path, 4, jobs.content_of)
    write_shards(jobs.plan_of(tmp_path / "set", make), Processes(2, lost.append))
    assert files_of(tmp_path / "set") == undisturbed
    assert len(lost) == 1


def test_a_command_that_is_killed_goes_on_to_the_same_bytes(tmp_path, undisturbed):
    folder, beside = tmp_path / "set", tmp_path / "beside"
    beside.mkdir()
    code = f"import jobs_to_do; jobs_to_do.write_and_wait({str(folder)!r}, {str(beside)!r})"
    command = [sys.executable, "-c", f"if __name__ == '__main__':\n  {code}"]
    driver = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    try:
        while len(list(folder.glob("shard_*.h5"))) < 6:
            assert driver.poll() is None
            time.sleep(0.02)
    finally:
        driver.send_signal(signal.SIGKILL)
        driver.wait()
        (beside / "go").touch()  # its workers end when they find nobody to answer
    assert MANIFEST not in files_of(folder)
    kept = {path.name: path.stat().st_mtime_ns for path in folder.glob("shard_0000[0-5].h5")}
    reported = []
    write_shards(jobs.plan_of(folder), InProcess(), reported.append)
    assert files_of(folder) == undisturbed
    assert sum(reported) == 25
    assert {name: (folder / name).stat().st_mtime_ns for name in kept} == kept


def test_a_data_set_grows_and_never_shrinks(tmp_path, undisturbed):
    write_shards(jobs.plan_of(tmp_path, samples=7), InProcess())
    write_shards(jobs.plan_of(tmp_path), InProcess())
    assert files_of(tmp_path) == undisturbed
    with pytest.raises(ValueError, match=r"holds 25 samples of this data set; ask for as many or more"):
        write_shards(jobs.plan_of(tmp_path, samples=7), InProcess())


def test_another_data_set_in_the_folder_is_refused_and_the_setting_named(tmp_path):
    write_shards(jobs.plan_of(tmp_path, samples=4), InProcess())
    with pytest.raises(ValueError, match=f"{tmp_path} belongs to another data set: its seed is 3, not 4"):
        write_shards(jobs.plan_of(tmp_path, seed=4), InProcess())
    (tmp_path / MANIFEST).write_text("{")
    with pytest.raises(ValueError, match=f"{MANIFEST} is damaged; delete it"):
        read_manifest(tmp_path, {})


def test_a_shard_that_was_changed_is_named_and_made_anew_on_request(tmp_path, undisturbed):
    write_shards(jobs.plan_of(tmp_path), InProcess())
    for name in ("shard_00003.h5", "shard_00007.h5"):
        content = bytearray((tmp_path / name).read_bytes())
        content[50_000] ^= 1
        (tmp_path / name).write_bytes(content)
    (tmp_path / "shard_00009.h5").unlink()
    with pytest.raises(DamagedShard, match=r"shard_00003\.h5 and 1 more shards are damaged: .* with --mend"):
        write_shards(jobs.plan_of(tmp_path), InProcess())
    write_shards(jobs.plan_of(tmp_path), InProcess(), mend=True)
    assert files_of(tmp_path) == undisturbed


def test_a_full_disk_ends_in_the_systems_words_and_the_run_goes_on_later(tmp_path, undisturbed):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, before[1]))  # less than a shard of two samples
    try:
        with pytest.raises(OSError, match=r"File too large: '.*shard_00000\.h5'"):
            write_shards(jobs.plan_of(tmp_path), InProcess())
        assert [path.name for path in tmp_path.iterdir()] == ["shards.jsonl"]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    write_shards(jobs.plan_of(tmp_path), InProcess())
    assert files_of(tmp_path) == undisturbed


def test_workers_who_do_not_see_the_folder_send_what_they_made(tmp_path, undisturbed):
    class Elsewhere(InProcess):
        def run(self, work, cases):
            for number, case in enumerate(cases):
                answer = work(case.__class__(**{**case.__dict__, "token": "of another machine"}))
                assert not isinstance(answer, ShardRow)
                yield number, answer

    write_shards(jobs.plan_of(tmp_path), Elsewhere())
    assert files_of(tmp_path) == undisturbed


def test_a_file_made_in_memory_has_the_bytes_of_one_on_a_disk(tmp_path):
    data = np.random.default_rng(0).integers(0, 9, (40, 100, 100))

    def fill(file):
        file.attrs["a"] = "b"
        file.create_dataset("entry/data", data=data, compression="gzip", compression_opts=1, shuffle=True)
        file.create_dataset("entry/more", data=data[:3])

    with h5py.File(tmp_path / "a.h5", "w") as file:
        fill(file)
    assert hdf5_bytes(fill) == (tmp_path / "a.h5").read_bytes()
