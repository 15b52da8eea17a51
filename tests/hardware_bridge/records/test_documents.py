"""Documents reach the disk whole, images lie where the documents say, and the NeXus file says what happened."""

import json

import h5py
import numpy as np
import pytest

from beamgym.hardware_bridge.records.documents import JsonLines, read_documents, tiled_consumer
from beamgym.hardware_bridge.records.frame_store import DATASET, FrameStore
from beamgym.hardware_bridge.records.nexus_writer import write_nexus
from beamgym.hardware_bridge.rollout.step_record import plain


@pytest.fixture
def played(stage, tmp_path):
    """One episode with images: (stage, steps, lines' path)."""
    made = stage(frames="rendered")
    rollout = made.rollout()
    with JsonLines(tmp_path / "documents.jsonl") as lines:
        made.engine.subscribe(lines)
        made.engine(rollout.plan())
    return made, rollout.steps, lines.path


def test_the_lines_are_the_documents(played):
    made, _, path = played
    lines = list(read_documents(path))
    assert [name for name, _ in lines] == [name for name, _ in made.documents]
    for (_, written), (_, doc) in zip(lines, made.documents, strict=True):
        assert (
            written["uid" if "uid" in doc else "stream_resource"] == doc["uid" if "uid" in doc else "stream_resource"]
        )
    assert all("NaN" not in line for line in path.read_text().splitlines())


def test_a_line_that_a_crash_cut_short_is_left_out(played, tmp_path):
    _, _, path = played
    whole = list(read_documents(path))
    cut = tmp_path / "cut.jsonl"
    cut.write_text(path.read_text()[:-20])
    assert list(read_documents(cut)) == whole[:-1]


def test_a_broken_line_in_the_middle_is_named(played, tmp_path):
    _, _, path = played
    lines = path.read_text().splitlines()
    lines[2] = lines[2][:-9]
    (tmp_path / "broken.jsonl").write_text("\n".join(lines) + "\n")
    with pytest.raises(ValueError, match="line 3"):
        list(read_documents(tmp_path / "broken.jsonl"))


def test_documents_are_never_overwritten(played):
    with pytest.raises(ValueError, match="never overwritten"):
        JsonLines(played[2])


def test_every_event_points_at_its_image(played):
    made, steps, _ = played
    (resource,) = made.named("stream_resource")
    assert resource["parameters"]["dataset"] == DATASET
    assert resource["uri"].endswith(made.store.path.name)
    indices = [doc["indices"]["start"] for doc in made.named("stream_datum")]
    seq_nums = [doc["seq_nums"]["start"] for doc in made.named("stream_datum")]
    assert seq_nums == [event["seq_num"] for event in made.events()]
    with h5py.File(made.store.path) as file:
        for index, step in zip(indices, steps, strict=True):
            np.testing.assert_array_equal(file[DATASET][index], step.frame.image[0])


def test_inline_images_are_in_the_events(stage):
    made = stage(frames="rendered")
    rollout = made.rollout(frames=FrameStore(None), max_steps=1)
    made.engine(rollout.plan())
    assert not made.named("stream_resource")
    for event, step in zip(made.events(), rollout.steps, strict=True):
        np.testing.assert_array_equal(event["data"]["frame_image"], step.frame.image[0])
    json.dumps(made.events()[0], allow_nan=False)


def test_images_of_two_shapes_do_not_mix(tmp_path):
    store = FrameStore(tmp_path / "a.nxs")
    store.put(np.zeros((4, 5)))
    with pytest.raises(ValueError, match=r"shape \(5, 4\), those before it \(4, 5\)"):
        store.put(np.zeros((5, 4)))


def test_the_nexus_file_holds_the_path_and_the_frames(played):
    made, steps, _ = played
    path = write_nexus(made.store.path, made.documents)
    positions = np.array([step.state.positions[0] for step in steps])
    with h5py.File(path) as file:
        entry = file["entry"]
        assert (file.attrs["default"], entry.attrs["NX_class"]) == ("entry", "NXentry")
        for i, axis in enumerate(made.world.axes):
            positioner = entry["instrument"][axis.name]
            assert positioner.attrs["NX_class"] == "NXpositioner"
            np.testing.assert_allclose(positioner["value"][:], positions[:, i])
            assert positioner["value"].attrs["units"] == "deg"
        assert entry["data"].attrs["signal"] == "image"
        assert entry["data/image"].shape == (len(steps), *steps[0].frame.image.shape[1:])
        assert entry["instrument/detector/data"] == entry["data/image"]
        assert entry["end_reason"][()].decode() == "success: declared"
        np.testing.assert_array_equal(entry["episode/declare"][:], [step.declared for step in steps])
        assert bool(entry["episode/verdict/success"][()])


def test_a_run_that_broke_off_is_written_as_far_as_it_came(played, tmp_path):
    made, _, _ = played
    cut = [entry for entry in made.documents if entry[0] != "stop"][:4]
    with h5py.File(write_nexus(tmp_path / "cut.nxs", cut)) as file:
        assert "end_time" not in file["entry"]
        assert file["entry/entry_identifier_uuid"][()].decode() == made.named("start")[0]["uid"]


def test_documents_without_a_start_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no start"):
        write_nexus(tmp_path / "x.nxs", [("stop", {})])


def test_what_is_unknown_is_null_in_documents():
    assert plain(np.array([1.0, np.nan])) == [1.0, None]
    assert plain(np.float32(np.inf)) is None
    assert plain(np.bool_(True)) is True


def test_tiled_is_named_where_it_is_missing():
    pytest.importorskip("bluesky")
    try:
        import tiled  # noqa: F401
    except ImportError:
        with pytest.raises(ImportError, match=r"pip install 'tiled\[client\]'"):
            tiled_consumer("http://127.0.0.1:1")
