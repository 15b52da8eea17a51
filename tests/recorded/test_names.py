"""Names, numbers and keys that logs, records, seeds and users' own files hang on are what they were."""

import json

import pytest
from names import DATA, bundle, keys_by_kind, names

RECORDED = json.loads((DATA / "names.json").read_text(encoding="utf-8"))
LOGS = json.loads((DATA / "logs.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def found():
    return names()


@pytest.mark.parametrize("subject", RECORDED)
def test_names_numbers_and_their_order_are_what_they_were(subject, found):
    assert json.dumps(found[subject], indent=1) == json.dumps(RECORDED[subject], indent=1)


def test_everything_that_is_listed_is_recorded(found):
    assert list(found) == list(RECORDED)


def test_the_recorded_logs_have_the_keys_that_lines_have_now():
    seen = {}
    for name in LOGS:
        lines = [line for line in (DATA / name).read_bytes().splitlines() if not line.endswith(b"<cut short>")]
        seen |= keys_by_kind(json.loads(line) for line in lines)
    assert set(seen) >= {"open", "before", "after", "event", "decision", "recovered", "close"}
    assert {kind: keys for kind, keys in seen.items() if kind != "what was decided"} == {
        kind: keys for kind, keys in RECORDED["audit lines"].items() if kind != "what was decided"
    }


def test_the_recorded_files_have_the_keys_that_are_written_now():
    store = json.loads((DATA / "laue" / "laue.yaml.confirmed.json").read_text(encoding="utf-8"))
    assert list(store) == RECORDED["confirmation"]["keys"]
    assert {tuple(entry) for entry in store["confirmed"]} == {tuple(RECORDED["confirmation"]["entry"])}
    for kind in ("laue", "arpes"):
        record = json.loads((DATA / kind / f"{kind}.yaml.signs.json").read_text(encoding="utf-8"))
        # Keys that came later are not in it; it is read all the same, see test_records.
        assert list(record) == [key for key in RECORDED["direction record"]["keys"] if key != "coordinates"]


def test_the_recorded_bundle_has_the_files_and_keys_of_the_shipped_ones():
    recorded = bundle(DATA / "bundle")
    assert [name for name in recorded["keys"] if "." not in name] == RECORDED["manifest"]
    for shipped in RECORDED["bundles"].values():
        assert shipped["files"] == recorded["files"]
