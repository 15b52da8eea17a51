"""`beamgym page` and `beamgym deploy --page`: mistakes are one line before anything is served."""

import shutil
import socket

import pytest
from typer.testing import CliRunner

from beamgym.hardware_bridge.instrument_file.load import shipped_instrument
from beamgym.hardware_bridge.records.audit import AuditLog
from beamgym.scripts import main

pytest.importorskip("bluesky", reason="the operator's page needs the extra 'hardware'")


def invoke(*words):
    return CliRunner().invoke(main.app, [str(word) for word in words])


def says(result):
    return " ".join(result.output.split())


@pytest.fixture
def folder(tmp_path):
    """A run that only looked."""
    made = tmp_path / "deploy-1"
    made.mkdir()
    shutil.copyfile(shipped_instrument("arpes_practice"), made / "instrument.yaml")
    with AuditLog(made / "audit.jsonl"):
        pass
    return made


@pytest.fixture
def port():
    """A port in use."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


@pytest.mark.parametrize("name", ["audit.jsonl", "instrument.yaml"])
def test_a_folder_that_is_no_run_is_one_line(folder, name):
    (folder / name).unlink()
    result = invoke("page", folder)
    assert result.exit_code == 1
    assert f"deploy-1 is no run: it has no {name}; give the folder that a deployment wrote" in says(result)


def test_a_run_of_another_version_is_one_line(folder):
    text = (folder / "instrument.yaml").read_text(encoding="utf-8")
    (folder / "instrument.yaml").write_text(text + "\nfrom_the_future: 1\n", encoding="utf-8")
    result = invoke("page", folder)
    assert result.exit_code == 1
    assert "the run is of another version of beamgym: look at it with that one" in says(result)


def test_a_port_in_use_is_one_line(folder, port):
    result = invoke("page", folder, "--page-port", port)
    assert result.exit_code == 1
    assert f"the page cannot be served on port {port}: Address already in use; give another one" in says(result)


def test_a_deployment_whose_page_has_no_port_does_not_begin(tmp_path, monkeypatch, port):
    monkeypatch.chdir(tmp_path)
    words = ("deploy", "index-and-move", "-i", "laue_soft_ioc", "--page", "--page-port", port)
    result = invoke(*words)
    assert result.exit_code == 1
    assert f"the page cannot be served on port {port}" in says(result)
    assert not list(tmp_path.glob("out/deploy-*"))


def test_a_person_needs_a_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = invoke("deploy", "person", "-i", "laue_soft_ioc")
    assert result.exit_code == 1
    assert "a person plays on the operator's page; give --page too" in says(result)
