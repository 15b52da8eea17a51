"""Work on a Ray cluster (Moritz et al., OSDI 2018): what a lost node had is done again on another.

Ray's own retries are off: losses are counted in one place, as for processes of this machine, and are told.
"""

from __future__ import annotations

import os
import socket
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from queue import Empty, SimpleQueue
from typing import Any, Final

from beamgym.physics.extras import need
from beamgym.physics.jobs.executor import Case, Found, Losses
from beamgym.physics.messages import one_line

AHEAD: Final = 2
"""Jobs handed to Ray for each of its cores, so that none waits for the driver."""

_SETTINGS: Final = b"\x04"
_HTTP2: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0" + _SETTINGS + b"\0\0\0\0\0"
"""How a client of HTTP/2 begins (RFC 9113, 3.4): a server's first frame is of this type too."""

_ANSWER_S = 5.0  # in which a head node must take a connection
_LOOK_S = 5.0  # between two looks at how many cores the cluster has


class OnRay:
    """Does jobs on a Ray cluster, one core each.

    Parameters
    ----------
    address : HOST:PORT of the head node; this process must run on a node of the cluster
    workers : most jobs at a time; None takes every core that the cluster has, also those that join later
    told : is told in one line when a worker or a node is lost

    Raises
    ------
    ImportError : Ray is not installed
    ValueError : an address that is none
    """

    def __init__(
        self, address: str, workers: int | None = None, told: Callable[[str], object] = lambda line: None
    ) -> None:
        check_address(address)
        self._ray = need("ray", "distributed")
        self.address, self.workers, self.told = address, workers, told

    def run(self, work: Callable[[Case], Found], cases: Sequence[Case]) -> Iterator[tuple[int, Found]]:
        """Yield number and result of each case as it comes; see ``Executor.run``; OSError where nobody answers."""
        if not cases:
            return
        with connected(self._ray, self.address):
            yield from self._answers(work, cases)

    def _answers(self, work: Callable[[Case], Found], cases: Sequence[Case]) -> Iterator[tuple[int, Found]]:
        ray = self._ray
        remote = ray.remote(_worked).options(num_cpus=1, max_retries=0)
        shared, about = ray.put(work), (version("beamgym"), ray.__version__)
        finished: SimpleQueue[tuple[int, Any]] = SimpleQueue()
        waiting, losses, unfinished, under_way = deque(range(len(cases))), Losses(self.told), len(cases), 0
        room, looked = 0, -_LOOK_S
        while unfinished:
            if time.monotonic() - looked >= _LOOK_S:
                room, looked = self._room(), time.monotonic()
            while waiting and under_way < room:
                number = waiting.popleft()
                answer = remote.remote(shared, cases[number], about[0])
                answer.future().add_done_callback(lambda future, number=number: finished.put((number, future)))
                under_way += 1
            try:
                number, future = finished.get(timeout=_LOOK_S)
            except Empty:
                continue
            under_way -= 1
            if (error := future.exception()) is None:
                unfinished -= 1
                yield number, future.result()
            elif lost := self._loss(error):
                waiting.appendleft(number)
                losses.add(number, lost)
                looked = -_LOOK_S
            else:
                raise _cause(error)

    def _room(self) -> int:
        """Return how many jobs may be with Ray at a time."""
        cores = int(self._ray.cluster_resources().get("CPU", 0))
        return self.workers or max(AHEAD * cores, 1)

    def _loss(self, error: BaseException) -> str:
        """Return in a few words what was lost; empty where the work itself has raised."""
        errors = self._ray.exceptions
        if isinstance(error, errors.RayTaskError) or not isinstance(error, errors.RayError):
            return ""
        return type(error).__name__


def check_address(address: str) -> tuple[str, int]:
    """Return host and port of an address.

    Raises
    ------
    ValueError : it is not HOST:PORT
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536 or "/" in host:
        raise ValueError(
            f"the Ray address {address!r} is not HOST:PORT of the head node, such as 127.0.0.1:6379 "
            "(ray start --head prints it)"
        )
    return host.strip("[]"), int(port)


@contextmanager
def connected(ray: Any, address: str) -> Iterator[None]:
    """Be a driver of a cluster within the block; one that this process is already is left as it is.

    Raises
    ------
    OSError : nobody answers, or this machine is no node of the cluster
    ValueError : this process is a driver of another cluster
    """
    if ray.is_initialized():
        found = ray.get_runtime_context().gcs_address
        if check_address(found) != check_address(address):
            raise ValueError(f"this process works on the Ray cluster at {found}; call ray.shutdown() before {address}")
        yield
        return
    _check_answer(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ray.init(address=address, log_to_driver=False, logging_level="ERROR")
        except Exception as error:
            raise OSError(
                f"no Ray at {address} that this machine is a node of ({one_line(error, 200)}); "
                "run the command on a node of the cluster"
            ) from None
    try:
        yield
    finally:
        ray.shutdown()


def _check_answer(address: str) -> None:
    """Raise OSError where nothing answers, or something that is no gRPC server: Ray would try for many minutes."""
    try:
        with socket.create_connection(check_address(address), _ANSWER_S) as line:
            line.settimeout(_ANSWER_S)
            line.sendall(_HTTP2)
            head = line.recv(9)
    except OSError as error:
        raise OSError(f"no Ray at {address} ({one_line(error)}); give the head node's address, HOST:PORT") from None
    if os.environ.get("RAY_USE_TLS") != "1" and head[3:4] != _SETTINGS:
        raise OSError(f"what answers at {address} is no Ray; give the head node's address, HOST:PORT")


def _worked(work: Callable[[Any], Any], case: Any, wanted: str) -> Any:
    """Do one job on a node; another version of beamgym there would make other bytes without a word."""
    if version("beamgym") != wanted:
        raise ValueError(
            f"the Ray node {socket.gethostname()} has beamgym {version('beamgym')}, this command {wanted}; "
            "install the same version on every node"
        )
    return work(case)


def _cause(error: BaseException) -> BaseException:
    """Return what the work has raised, out of what Ray wraps it in."""
    cause = getattr(error, "cause", None)
    return cause if isinstance(cause, Exception) else error
