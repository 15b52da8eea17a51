"""Libraries that only an extra brings: imported where they are needed, and named in one line where they are missing."""

import importlib
from typing import Any


def need(module: str, extra: str) -> Any:
    """Import a library that only one extra brings; ImportError names the extra."""
    try:
        # At run time and by name: a beamline with EPICS need not install Tango.
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{module} is needed here and cannot be imported ({error}); run: pip install 'beamgym[{extra}]'"
        ) from None
