"""A Ray cluster of some nodes on this machine, on its loopback, for as long as it is measured."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from beamgym.physics.extras import need
from beamgym.physics.jobs import ONE_THREAD, connected
from beamgym.physics.messages import one_line

_STORE_BYTES: Final = 200_000_000
_TRIES: Final = 4

SETTINGS: Final = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # the loopback may be a node's address
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is told to Ray's makers
}
"""Environment of Ray on one machine; it is read when Ray is imported."""

NODE: dict[str, Any] = {"num_cpus": 1, "object_store_memory": _STORE_BYTES, "node_ip_address": "127.0.0.1"}
"""A node of one core on the loopback."""


class LocalNodes:
    """Nodes of one core each; the first is the head, where this process is a driver."""

    def __init__(self, ray: Any, cluster: Any) -> None:
        self._ray, self._cluster = ray, cluster
        self.address = str(cluster.address)
        self._check(1)

    def add(self) -> None:
        """Let one more node join; raises OSError where that cannot be."""
        before = int(self._ray.cluster_resources()["CPU"])
        started(lambda: self._cluster.add_node(**NODE))
        self._cluster.wait_for_nodes()
        self._check(before + 1)

    def _check(self, cores: int) -> None:
        if (found := int(self._ray.cluster_resources()["CPU"])) != cores:
            raise OSError(f"Ray has {found} cores here instead of {cores}: a node has started late; measure again")


def started(start: Callable[[], Any]) -> Any:
    """Return the node that ``start`` starts, tried again on a machine so busy that Ray's 30 s were not enough.

    Raises
    ------
    OSError : not even then
    """
    for _ in range(_TRIES):
        try:
            return start()
        except Exception as error:
            why = one_line(error, 100)
    raise OSError(f"Ray could start no node here ({why}); try again when the machine is less busy")


@contextmanager
def local_nodes() -> Iterator[LocalNodes]:
    """Start a head node and connect to it; all nodes end with the block.

    Raises
    ------
    ImportError : Ray is not installed
    OSError : it could start no node
    """
    os.environ.update(SETTINGS | ONE_THREAD)
    ray = need("ray", "distributed")
    cluster = need("ray.cluster_utils", "distributed").Cluster()
    try:
        started(lambda: cluster.add_node(**NODE, include_dashboard=False))
        with connected(ray, str(cluster.address)):
            yield LocalNodes(ray, cluster)
    finally:
        cluster.shutdown()
