"""A Ray cluster of some nodes on this machine, on its loopback, for as long as it is measured."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from beamgym.physics.extras import need
from beamgym.physics.jobs import ONE_THREAD, connected

_STORE_BYTES: Final = 200_000_000


class LocalNodes:
    """Nodes of one core each; the first is the head, where this process is a driver."""

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster
        self.address = str(cluster.address)

    def add(self) -> None:
        """Let one more node join."""
        self._cluster.add_node(**_NODE)
        self._cluster.wait_for_nodes()


_NODE: dict[str, Any] = {"num_cpus": 1, "object_store_memory": _STORE_BYTES, "node_ip_address": "127.0.0.1"}


@contextmanager
def local_nodes() -> Iterator[LocalNodes]:
    """Start a head node and connect to it; all nodes end with the block.

    Raises
    ------
    ImportError : Ray is not installed
    """
    # Read when Ray is imported: the loopback may be a node's address, and nothing is told to Ray's makers.
    os.environ.update({"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0", **ONE_THREAD})
    ray = need("ray", "distributed")
    cluster = need("ray.cluster_utils", "distributed").Cluster(
        initialize_head=True, head_node_args={**_NODE, "include_dashboard": False}
    )
    try:
        with connected(ray, str(cluster.address)):
            yield LocalNodes(cluster)
    finally:
        cluster.shutdown()
