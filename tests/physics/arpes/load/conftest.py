"""The example files and the module that wrote them."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def examples():
    """The module ``write_examples``: what the files hold."""
    spec = spec_from_file_location("write_examples", Path(__file__).parent / "write_examples.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
