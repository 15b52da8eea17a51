"""Writes the audit log: a line before every command and one after it, each a link of a chain of hashes.

JSON lines, each with the hash of the line before it. They are on the disk at once, or, under a guard, within
milliseconds (``sync_in_background``): no end of the process loses one, a power cut may lose the last. A crash leaves at
most one line cut short and commands without an outcome; whoever opens the log next leaves that line where it is, says
so, and gives those commands "unknown".
"""

import fcntl
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any

from beamgym.hardware_bridge.records.audit_check import LogReport, verify_log
from beamgym.hardware_bridge.records.audit_lines import START, TORN, digest, write_line
from beamgym.hardware_bridge.records.own_file import refuse_link
from beamgym.physics.files import sync

UNKNOWN = "unknown"
"""The outcome of a command of which nobody saw the end."""


_GONE = "the file was removed, or another stands in its place"
_CHANGED = "the file was cut, or written by another hand"


Listener = Callable[[Mapping[str, Any], str], object]
"""Called with every line that was written, and its hash."""


class AuditError(RuntimeError):
    """The log cannot be written: nothing may move that it does not record."""


class AuditLog:
    """An append-only log that one process writes.

    Parameters
    ----------
    path : the file; made where it is not there, continued where it is
    clock : unix time in seconds
    listener : called after each line from whichever thread wrote it; must return at once, and what it raises is lost

    Raises
    ------
    ValueError : another process has the log open, its chain is broken, it cannot be opened, or it is a link, has a
        second name, or is another user's
    """

    def __init__(
        self, path: str | PathLike[str], clock: Callable[[], float] = time.time, listener: Listener | None = None
    ) -> None:
        self.path = Path(path)
        self._listener = listener
        self._place = self.path.absolute()
        self._clock = clock
        # Two locks: lines go on being written while older ones are on their way to the disk. Reentrant, since what
        # holds them writes lines.
        self._turn, self._syncing = threading.RLock(), threading.RLock()
        self._size = self._synced = 0
        self._pending: set[int] = set()
        self._head, self._number = START, 0
        self._broken = ""
        self._written: threading.Event | None = None
        # A bare descriptor: one write is one line, with no buffer in between that a crash would lose.
        self._file: int | None = _open(self.path)
        try:
            # A log that was changed is not continued: a whole new end would hide it.
            self._recover(verify_log(self.path))
            self._flush()
        except BaseException:
            os.close(self._file)
            self._file = None
            raise

    def __enter__(self) -> "AuditLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def head(self) -> str:
        """Hash of the last line: noted down elsewhere, it shows whether lines were cut off the end."""
        return self._head

    @property
    def pending(self) -> frozenset[int]:
        """Numbers of the commands that have no outcome yet."""
        with self._turn:
            return frozenset(self._pending)

    def before(self, command: str, /, **data: Any) -> int:
        """Record a command that is about to be sent.

        Parameters
        ----------
        command : what is to be done, such as "set"
        data : to what, where to, and the readings that it was decided on

        Returns
        -------
        The command's number, for ``after``

        Raises
        ------
        AuditError : the line could not be written; the command must not be sent
        """
        # Written and noted as pending together: the outcome may come from another thread at once.
        with self._turn:
            number = self._write("before", command=command, data=data)
            self._pending.add(number)
        self._settle()
        return number

    def after(self, number: int, outcome: str, /, **data: Any) -> None:
        """Record what became of a command, once.

        Parameters
        ----------
        number : from ``before``
        outcome : one word, such as "done", "refused", "failed", "stopped", or "unknown"
        data : the readings that say so

        Raises
        ------
        ValueError : for a number that waits for no outcome, or no outcome
        AuditError : the line could not be written
        """
        with self._turn:
            if number not in self._pending:
                raise ValueError(f"command {number} waits for no outcome; give each number from before() one outcome")
            if not outcome:
                raise ValueError("the outcome is empty; give one word, such as 'done'")
            self._write("after", id=number, outcome=outcome, data=data)
            self._pending.discard(number)
        self._settle()

    def event(self, kind: str, /, **data: Any) -> int:
        """Record something that is no command, such as "armed", "abort" or "decision"; returns the line's number."""
        number = self._write("event", event=kind, data=data)
        self._settle()
        return number

    def decision(self, rule: str, inputs: dict[str, Any], verdict: Any) -> int:
        """Record a decision of the guard with everything it was decided on, for ``replay``.

        Many at once cost one line where they go into a command's line, as ``before(..., decisions=[{"rule": ...,
        "inputs": ..., "verdict": ...}, ...])``.
        """
        return self.event("decision", rule=rule, inputs=inputs, verdict=verdict)

    def check(self) -> None:
        """Raise AuditError where a line could not be written, or be brought to the disk, or the file was changed."""
        if self._broken:
            raise AuditError(f"the audit log {self.path} failed before: {self._broken}; start a new session")
        with self._turn:
            # Deleted or replaced, the file would go on taking lines that nobody will ever read.
            if self._file is not None and not _stands_at(self._file, self._place):
                raise self._failed(OSError(None, _GONE))
            # Cut or written by another hand: the chain would be broken, and only a later ``--verify`` would say so.
            if self._file is not None and self._size and os.fstat(self._file).st_size != self._size:
                raise self._failed(OSError(None, _CHANGED))

    def sync_in_background(self) -> None:
        """From now on leave it to a thread to bring lines to the disk, within milliseconds.

        A line is with the operating system before ``before`` returns, so that this process may end as suddenly as it
        likes and loses none; a power cut within those milliseconds may. A disk that fails refuses the next line.
        """
        if self._written is None:
            self._written = threading.Event()
            threading.Thread(target=self._sync, name="beamgym audit", daemon=True).start()

    def close(self) -> None:
        """Give every open command the outcome "unknown" and close the file; a second call does nothing.

        Raises
        ------
        AuditError : the last lines could not be written; the file is closed all the same
        """
        with self._syncing, self._turn:
            if self._file is None:
                return
            try:
                # "unknown" is an outcome: what became of them can be looked up at the instrument, and must be.
                self._give_up(sorted(self._pending), "the log was closed")
                self._write("close")
                self._flush()
            finally:
                os.close(self._file)
                self._file = None
                if self._written is not None:
                    self._written.set()

    def _settle(self) -> None:
        if self._written is None:
            self._flush()
        else:
            self._written.set()

    def _sync(self) -> None:
        assert self._written is not None
        while self._file is not None and not self._broken:
            self._written.wait()
            self._written.clear()
            try:
                self._flush()
            except AuditError:
                # Closed, or broken: then the next line is refused.
                return

    def _recover(self, report: LogReport) -> None:
        if report.problem:
            raise ValueError(f"{self.path}: {report.problem}; keep it as it is and start a new log")
        self._head, self._number = report.head, report.lines + len(report.torn)
        if report.cut_short:
            self._close_torn_line(report.tail)
        self._pending = set(report.pending)
        self._give_up(report.pending, "the log was not closed: the process ended without warning")
        self._write("open", data={"pid": os.getpid()})

    def _close_torn_line(self, tail: bytes) -> None:
        """End the line that a crash cut short, and say so in the next."""
        ended = tail + TORN
        self._number += 1
        self._head = torn = digest(ended)
        self._write("recovered", before=TORN + b"\n", torn=torn, data={"line": self._number})

    def _give_up(self, numbers: list[int], reason: str) -> None:
        for number in numbers:
            self.after(number, UNKNOWN, reason=reason)

    def _write(self, kind: str, before: bytes = b"", **members: Any) -> int:
        with self._turn:
            number = self._number + 1
            content = {"n": number, "time_s": self._clock(), "kind": kind, **members}
            line = write_line(content, self._head)
            self._append(before + line)
            self._number, self._head = number, digest(line[:-1])
            if self._listener is not None:
                # who only listens must not keep a motor from being stopped
                with suppress(Exception):
                    self._listener(content, self._head)
            return number

    def _append(self, content: bytes) -> None:
        if self._file is None:
            raise AuditError(f"the audit log {self.path} is closed; open it again")
        self.check()
        # By the file itself, not by our own count: that is what a half-written line is cut back to.
        size = os.fstat(self._file).st_size
        try:
            written = os.write(self._file, content)
            if written != len(content):
                raise OSError(None, "the disk took only a part of the line")
        except OSError as error:
            _cut(self._file, size)
            raise self._failed(error) from error
        self._size = size + len(content)

    def _flush(self) -> None:
        """Bring what was written to the disk; lines that several threads wrote meanwhile go there together."""
        wanted = self._size
        with self._syncing:
            # Another thread took our lines along.
            if self._synced >= wanted:
                return
            with self._turn:
                file, size = self._file, self._size
                if file is None or self._broken:
                    raise AuditError(f"the audit log {self.path} failed before: {self._broken}; start a new session")
            try:
                os.fsync(file)
            except OSError as error:
                raise self._failed(error) from error
            self._synced = size

    def _failed(self, error: OSError) -> AuditError:
        self._broken = error.strerror or str(error)
        return AuditError(f"the audit log {self.path} cannot be written: {self._broken}; nothing moves")


def _open(path: Path) -> int:
    refuse_link(path, owned=True)
    try:
        new = not path.exists()
        # A link that is put there between the two looks is not followed either.
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        raise ValueError(f"cannot open the audit log {path}: {error.strerror}; give a file you may write") from None
    try:
        # Two writers would break the chain for both.
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise ValueError(f"another process writes the audit log {path}; end it, or give another file") from None
    except OSError as error:
        os.close(file)
        raise ValueError(f"cannot lock the audit log {path}: {error.strerror}; put it on a local disk") from None
    if new:
        sync(path.parent)  # the new file's name must be on the disk too
    return file


def _stands_at(file: int, path: Path) -> bool:
    """Whether an open file is still the one that its path names."""
    try:
        # Not through a link: the log may have been moved, and be written elsewhere by it.
        return os.path.samestat(os.fstat(file), path.lstat())
    except OSError:
        return False


def _cut(file: int, size: int) -> None:
    """Take back a half-written line; where the disk refuses that too, the next session finds it cut short."""
    try:
        os.ftruncate(file, size)
    except OSError:
        return
