"""Verbs called as a terminal calls them."""

from collections.abc import Callable
from typing import Any

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner


@pytest.fixture
def as_verb(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Callable[..., Result]]:
    """Return ``as_verb(command, columns)``: it makes a function of the words behind the verb, on so wide a terminal."""

    def make(command: Callable[..., Any], columns: int) -> Callable[..., Result]:
        monkeypatch.setenv("COLUMNS", str(columns))
        app = typer.Typer()
        app.command()(command)
        return lambda *words: CliRunner().invoke(app, [str(word) for word in words])

    return make
