"""`--devices FILE`: devices of the user's own, made by a Python file whose hash the direction check is bound to."""

import hashlib
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any


class OwnDevices:
    """A Python file whose ``devices()`` returns devices by the names that the instrument file gives them.

    The file is read once: what runs is what was hashed. Modules that it imports are not hashed.

    Parameters
    ----------
    path : the file; None where there is none

    Attributes
    ----------
    sha256 : of its text, in hex; "" where there is none

    Raises
    ------
    ValueError : no such file
    """

    def __init__(self, path: Path | None) -> None:
        self.path, self._text = path, b""
        if path is not None:
            try:
                self._text = path.read_bytes()
            except OSError as error:
                raise ValueError(
                    f"--devices: cannot read {path}: {error.strerror}; give a Python file with a function devices()"
                ) from None
        self.sha256 = "" if path is None else hashlib.sha256(self._text).hexdigest()

    def make(self) -> dict[str, Any]:
        """Run the file and return its devices; empty where there is none.

        Raises
        ------
        ValueError : in one line, for a file that is no Python, that fails or ends the program, that has no function
            ``devices``, or one that returns no dict
        """
        if self.path is None:
            return {}
        try:
            found = self._run()
        except (Exception, SystemExit) as error:
            raise ValueError(self._what_failed(self.path, error)) from error
        if not isinstance(found, dict):
            raise ValueError(f"--devices: {self.path} has no function devices() that returns a dict of devices by name")
        return found

    def _run(self) -> Any:
        module = ModuleType("beamgym_own_devices")
        module.__file__ = str(self.path)
        sys.modules[module.__name__] = module  # where dataclasses and type hints look a class's module up
        exec(compile(self._text, str(self.path), "exec"), module.__dict__)
        make = getattr(module, "devices", None)
        return make() if callable(make) else None

    @staticmethod
    def _what_failed(path: Path, error: BaseException) -> str:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
        where = str(path) if line is None else f"{path}, line {line}"
        said = " ".join((error.msg if isinstance(error, SyntaxError) else str(error)).split())
        found = type(error).__name__ + (f" ({said[:200]})" if said else "")
        return f"--devices: {where}: {found}; mend the file, `python {path}` shows more"
