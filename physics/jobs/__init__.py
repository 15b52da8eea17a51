"""Many independent jobs, each by its number and seed alone: done here, in processes or on Ray, and kept on the way."""

from beamgym.physics.jobs.cluster import OnRay, check_address, connected
from beamgym.physics.jobs.executor import Case, Executor, Found, InProcess, WorkerLost, run_in_order
from beamgym.physics.jobs.hdf5 import hdf5_bytes
from beamgym.physics.jobs.journal import check_settings
from beamgym.physics.jobs.manifest import ANOTHER, MANIFEST, ShardRow, read_manifest
from beamgym.physics.jobs.pace import Pace
from beamgym.physics.jobs.processes import ONE_THREAD, Processes
from beamgym.physics.jobs.records import of_row, row_of
from beamgym.physics.jobs.rows import Keeping, run_jobs
from beamgym.physics.jobs.shards import DamagedShard, ShardCase, ShardPlan, write_shards

__all__ = [
    "ANOTHER",
    "MANIFEST",
    "ONE_THREAD",
    "Case",
    "DamagedShard",
    "Executor",
    "Found",
    "InProcess",
    "Keeping",
    "OnRay",
    "Pace",
    "Processes",
    "ShardCase",
    "ShardPlan",
    "ShardRow",
    "WorkerLost",
    "check_address",
    "check_settings",
    "connected",
    "hdf5_bytes",
    "of_row",
    "read_manifest",
    "row_of",
    "run_in_order",
    "run_jobs",
    "write_shards",
]
