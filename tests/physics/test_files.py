"""A file or a folder is the old one or the new one, whatever happens while it is written."""

import json
import os
import stat
from pathlib import Path

import h5py
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from beamgym.physics.files import replacing, replacing_folder, write_json, write_text

ROOT = Path(__file__).parents[2]
FLOORS = ("physics", "envs", "agents", "hardware_bridge", "scripts")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _tree(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def umask():
    """Give this test an umask that differs from the usual one."""
    before = os.umask(0o027)
    yield 0o027
    os.umask(before)


def test_the_old_file_stands_until_the_block_has_ended(tmp_path):
    path = tmp_path / "figures.json"
    path.write_text("old")
    with replacing(path) as draft:
        draft.write_text("new")
        assert path.read_text() == "old"
        assert draft.parent == tmp_path
        assert draft.suffix == ".json"
        assert draft.name.startswith(".")
    assert _tree(tmp_path) == {"figures.json": "new"}


@pytest.mark.parametrize("failure", [OSError("cannot"), ValueError("wrong"), KeyboardInterrupt(), SystemExit(1)])
@pytest.mark.parametrize("old", [None, "old"])
def test_a_failed_write_leaves_the_old_file_and_no_draft(tmp_path, failure, old):
    path = tmp_path / "figures.json"
    if old is not None:
        path.write_text(old)

    def half_write(draft):
        draft.write_text("half")
        raise failure

    with pytest.raises(type(failure)) as caught, replacing(path) as draft:
        half_write(draft)
    assert caught.value is failure
    assert _tree(tmp_path) == ({} if old is None else {"figures.json": old})


@pytest.mark.parametrize("step", ["replace", "fsync"])
def test_a_disk_that_refuses_leaves_the_old_file_and_is_told_with_the_name_that_was_asked_for(
    tmp_path, monkeypatch, step
):
    path = tmp_path / "figures.json"
    path.write_text("old")

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match=r"No space left on device: '.*/figures\.json'$"):
        write_text(path, "new", durable=True)
    assert _tree(tmp_path) == {"figures.json": "old"}


def test_two_writers_of_one_file_do_not_meet_in_one_draft(tmp_path):
    path = tmp_path / "figures.json"
    with replacing(path) as first, replacing(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert _tree(tmp_path) == {"figures.json": "first"}


def test_a_new_file_has_the_permissions_of_any_other(tmp_path, umask):
    write_text(tmp_path / "new.json", "text")
    assert _mode(tmp_path / "new.json") == 0o666 & ~umask


def test_a_file_keeps_the_permissions_that_it_was_given(tmp_path):
    path = tmp_path / "shared.json"
    path.write_text("old")
    path.chmod(0o664)
    write_text(path, "new")
    assert (_mode(path), path.read_text()) == (0o664, "new")


def test_a_link_stays_a_link_and_the_file_that_it_names_is_replaced(tmp_path):
    (tmp_path / "large_disk").mkdir()
    link = tmp_path / "results.json"
    link.symlink_to(tmp_path / "large_disk" / "really.json")
    write_text(link, "first")
    write_text(link, "second")
    assert link.is_symlink()
    assert _tree(tmp_path / "large_disk") == {"really.json": "second"}


def test_a_link_to_itself_is_replaced(tmp_path):
    link = tmp_path / "results.json"
    link.symlink_to(link)
    write_text(link, "text")
    assert not link.is_symlink()
    assert _tree(tmp_path) == {"results.json": "text"}


def test_a_pipe_is_written_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_text(pipe, "text")
    assert os.read(reader, 100) == b"text"
    os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.parametrize("place", ["missing/figures.json", "file/figures.json", "folder"])
def test_a_place_that_cannot_be_written_is_told_in_one_line_by_its_own_name(tmp_path, place):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match=rf"{place}'$") as caught:
        write_text(tmp_path / place, "text")
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_an_error_about_another_file_is_told_as_it_is(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"source\.json"), replacing(tmp_path / "figures.json"):
        (tmp_path / "source.json").read_text()


def test_a_name_as_long_as_names_may_be_can_be_written(tmp_path):
    path = tmp_path / ("ä" * 120 + ".json")
    write_text(path, "text")
    assert _tree(tmp_path) == {path.name: "text"}


def _hdf5(draft: Path) -> None:
    with h5py.File(draft, "w") as file:
        file["counts"] = np.arange(3)


def _picture(draft: Path) -> None:
    figure = Figure()
    FigureCanvasAgg(figure)
    figure.savefig(draft)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("shard.h5", _hdf5),
        ("figure.png", _picture),
        ("strip.png", lambda draft: Image.new("RGB", (2, 2)).save(draft)),
        ("table.npz", lambda draft: np.savez(draft, counts=np.arange(3))),
    ],
)
def test_writers_that_look_at_the_ending_write_the_draft(tmp_path, name, write):
    with replacing(tmp_path / name) as draft:
        write(draft)
        assert list(tmp_path.iterdir()) == [draft]
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).stat().st_size > 0


def test_what_must_survive_reaches_the_disk_before_its_name_and_the_name_after(tmp_path, monkeypatch):
    told = []
    sync, replace = os.fsync, os.replace
    path = tmp_path / "record.json"

    def note_sync(handle):
        told.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "content")
        sync(handle)

    def note_replace(source, target):
        told.append("name")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "replace", note_replace)
    write_text(path, "text", durable=True)
    assert told == ["content", "name", "folder"]
    told.clear()
    write_text(path, "text")
    assert told == ["name"]


def test_a_folder_appears_whole_with_the_folders_above_it(tmp_path):
    path = tmp_path / "zoo" / "align"
    with replacing_folder(path) as draft:
        assert draft.name == "align"
        (draft / "CARD.md").write_text("card")
        assert not path.exists()
    assert _tree(tmp_path) == {"zoo/align/CARD.md": "card"}
    assert _mode(path) == _mode(path.parent)


def test_a_folder_that_is_there_is_replaced_only_on_request(tmp_path):
    path = tmp_path / "align"
    path.mkdir()
    (path / "OLD.md").write_text("old")
    with pytest.raises(ValueError, match="exists; choose another name or overwrite it"), replacing_folder(path):
        pass
    with replacing_folder(path, overwrite=True) as draft:
        (draft / "NEW.md").write_text("new")
        assert _tree(path) == {"OLD.md": "old"}
    assert _tree(tmp_path) == {"align/NEW.md": "new"}


def test_a_link_to_a_folder_stays_a_link(tmp_path):
    (tmp_path / "large_disk").mkdir()
    link = tmp_path / "align"
    link.symlink_to(tmp_path / "large_disk" / "v2", target_is_directory=True)
    with replacing_folder(link, overwrite=True) as draft:
        assert draft.name == "align"
        (draft / "NEW.md").write_text("new")
    assert link.is_symlink()
    assert _tree(tmp_path / "large_disk") == {"v2/NEW.md": "new"}


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", [0, 1, 2])
def test_a_swap_that_fails_at_any_step_leaves_the_old_folder(tmp_path, monkeypatch, step, failure):
    path = tmp_path / "align"
    path.mkdir()
    (path / "OLD.md").write_text("old")
    steps = iter(range(10))
    replace = os.replace

    def fails_at_its_step(source, target):
        if next(steps) == step - 1:
            raise failure
        replace(source, target)

    def write():
        with replacing_folder(path, overwrite=True) as draft:
            (draft / "NEW.md").write_text("new")
            if step == 0:
                raise failure

    monkeypatch.setattr(os, "replace", fails_at_its_step)
    with pytest.raises(type(failure)):
        write()
    assert _tree(tmp_path) == {"align/OLD.md": "old"}


def test_a_program_killed_between_the_two_moves_leaves_both_folders(tmp_path, monkeypatch):
    path = tmp_path / "align"
    path.mkdir()
    (path / "OLD.md").write_text("old")
    replace, moves = os.replace, []

    def dies_after_the_first(source, target):
        if moves:
            raise KeyboardInterrupt
        moves.append(source)
        replace(source, target)

    monkeypatch.setattr(os, "replace", dies_after_the_first)  # neither the second move nor the move back happens
    with pytest.raises(KeyboardInterrupt), replacing_folder(path, overwrite=True) as draft:
        (draft / "NEW.md").write_text("new")
    assert sorted(_tree(tmp_path).values()) == ["new", "old"]


def test_no_other_module_puts_files_in_place_by_itself():
    swaps = ("os.replace(", "os.rename(", "mkstemp(", "mkdtemp(", "NamedTemporaryFile(")
    sources = {path.relative_to(ROOT).as_posix(): path for floor in FLOORS for path in (ROOT / floor).rglob("*.py")}
    found = {name for name, path in sources.items() if any(swap in path.read_text(encoding="utf-8") for swap in swaps)}
    assert found == {"physics/files.py"}


def test_json_is_written_with_null_for_what_is_not_finite_and_without_leaving_a_draft(tmp_path):
    path = tmp_path / "figures.json"
    write_json(path, {"one": [1.5, float("nan"), (float("inf"), "é")], "two": None})
    assert json.loads(path.read_text(encoding="utf-8")) == {"one": [1.5, None, [None, "é"]], "two": None}
    with pytest.raises(TypeError):
        write_json(path, {"one": object()})
    assert [entry.name for entry in tmp_path.iterdir()] == ["figures.json"]
    assert json.loads(path.read_text(encoding="utf-8"))["two"] is None
