"""On two nodes of Ray, one of them killed in the middle, a data set has the bytes of an undisturbed run."""

import os
import sys
import time

import jobs_to_do as jobs
import pytest

from beamgym.physics.jobs import InProcess, OnRay, run_in_order, write_shards
from beamgym.scripts.engine_suite.local_nodes import NODE, SETTINGS, started

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def cluster(monkeypatch):
    """A head and a second node on this machine's loopback, one core each."""
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    made = Cluster()
    started(lambda: made.add_node(**NODE, include_dashboard=False))
    made.second = started(lambda: made.add_node(**NODE))
    made.wait_for_nodes()
    yield made
    made.shutdown()


def test_a_node_that_is_killed_costs_nothing_and_doubles_nothing(cluster, tmp_path):
    here, there, beside = (tmp_path / name for name in ("here", "there", "beside"))
    beside.mkdir()
    write_shards(jobs.plan_of(here, samples=60), InProcess())
    lost, reported = [], []

    def done(samples):
        reported.append(samples)
        if len(reported) == 4:
            second = cluster.second.all_processes["raylet"][0].process.pid
            while not list(beside.glob(f"waits_*_{second}")):
                time.sleep(0.05)
            cluster.remove_node(cluster.second, allow_graceful=False)
            (beside / "go").touch()

    plan = jobs.plan_of(there, jobs.Waits(beside, 4), samples=60)
    write_shards(plan, OnRay(cluster.address, told=lost.append), done)
    assert {path.name: path.read_bytes() for path in there.iterdir()} == {
        path.name: path.read_bytes() for path in here.iterdir()
    }
    assert sum(reported) == 60
    assert lost
    assert all("is done again" in line for line in lost)


def test_what_a_job_raises_on_a_node_is_raised_here_and_the_cluster_can_be_used_again(cluster):
    executor = OnRay(cluster.address)
    with pytest.raises(FileNotFoundError, match="nothing there"):
        list(executor.run(jobs.fails, [1, 2, 3]))
    assert run_in_order(executor, jobs.squared, range(50)) == [number**2 for number in range(50)]


def test_a_job_that_kills_its_worker_is_given_up(cluster):
    from beamgym.physics.jobs import WorkerLost

    with pytest.raises(WorkerLost, match="job 1 has lost its worker 3 times"):
        list(OnRay(cluster.address).run(jobs.dies, [0, 1, 2]))
