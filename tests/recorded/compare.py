"""Compares what two commits show to users, to the bit, on this machine.

    python tests/recorded/compare.py OLD_REV [NEW_REV] [--keep FOLDER]

Both commits are cloned and made importable without an install, the recorder of the newer one runs in each with this
interpreter, and every record that differs is one line. Exit code 1 on any difference. With ``--keep`` the clones stay
in that folder with their compiled kernels, so that a second run takes minutes less.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ("physics", "envs", "agents", "hardware_bridge", "scripts")


def main() -> int:
    """Compare, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", help="a commit")
    parser.add_argument("new", nargs="?", default="HEAD", help="another; HEAD where none is named")
    parser.add_argument("--keep", type=Path, help="folder in which the clones stay")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="beamgym-compare-") as name:
        home = (words.keep or Path(name)).resolve()
        home.mkdir(parents=True, exist_ok=True)
        sides = {side: checkout(rev, home / side) for side, rev in (("old", words.old), ("new", words.new))}
        recorder = sides["new"] / "tests" / "recorded" / "record.py"
        records = {side: run_recorder(recorder, tree, Path(name) / f"{side}-records") for side, tree in sides.items()}
        return report(records["old"], records["new"])


def checkout(rev: str, tree: Path) -> Path:
    """Return a clone at a commit, with a folder ``.path`` from which it can be imported."""
    commit = _git(ROOT, "rev-parse", f"{rev}^{{commit}}")
    if not tree.exists():
        _git(ROOT, "clone", "--quiet", "--no-checkout", str(ROOT), str(tree))
    _git(tree, "fetch", "--quiet", str(ROOT), commit)
    _git(tree, "checkout", "--quiet", "--detach", commit)
    _make_importable(tree)
    print(f"{tree.name}: {commit[:12]} {_git(tree, 'log', '-1', '--format=%s')}", flush=True)
    return tree


def _make_importable(tree: Path) -> None:
    """Make ``.path/beamgym`` of links to the umbrella and the floors, and metadata that give the version."""
    shutil.rmtree(tree / ".path", ignore_errors=True)
    package = tree / ".path" / "beamgym"
    package.mkdir(parents=True)
    for name in ("__init__.py", "py.typed"):
        (package / name).symlink_to(tree / "src" / "beamgym" / name)
    for floor in FLOORS:
        (package / floor).symlink_to(tree / floor)
    lines = (tree / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    version = next(line.split('"')[1] for line in lines if line.startswith("version"))
    metadata = tree / ".path" / f"beamgym-{version}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: beamgym\nVersion: {version}\n", encoding="utf-8")


def run_recorder(recorder: Path, tree: Path, out: Path) -> Path:
    """Run the recorder with a clone's beamgym; returns the folder of its records."""
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment |= {"PYTHONPATH": str(tree / ".path"), "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    print(f"{tree.name}: recording; the first time its kernels are compiled", flush=True)
    words = [sys.executable, str(recorder), str(out)]
    subprocess.run(words, env=environment, cwd=out.parent, stdout=subprocess.DEVNULL, check=True)
    found = json.loads((out / "sums.json").read_text(encoding="utf-8"))["beamgym"]
    if Path(found) != tree / ".path" / "beamgym":
        raise SystemExit(f"{tree.name}: recorded {found} instead of the clone; is another beamgym in the way?")
    return out


def report(old: Path, new: Path) -> int:
    """Print a line for every record that differs, and the count; returns 1 where there is one."""
    before, after = (json.loads((side / "sums.json").read_text(encoding="utf-8"))["records"] for side in (old, new))
    names = list({**before, **after})
    lines = {name: difference(name, old, new, before.get(name), after.get(name)) for name in names}
    for name, line in lines.items():
        if line:
            print(f"{name}: {line}")
    count = sum(bool(line) for line in lines.values())
    print(f"{count} of {len(names)} records differ")
    return int(count > 0)


def difference(name: str, old: Path, new: Path, before: Any, after: Any) -> str:
    """Say how a record differs, in words; nothing where it does not."""
    if before is None or after is None:
        return "only in the new commit" if before is None else "only in the old commit"
    sums, others = before["sums"], after["sums"]
    if list(sums.items()) == list(others.items()):
        return ""
    apart = [key for key in {**sums, **others} if sums.get(key) != others.get(key)]
    if not apart:
        return "the order of its arrays"
    with np.load(old / before["file"]) as first, np.load(new / after["file"]) as second:
        return "; ".join(f"{key} {_apart(first, second, key)}" for key in apart)


def _apart(first: Any, second: Any, key: str) -> str:
    if key not in first or key not in second:
        return "is new" if key not in first else "is gone"
    one, other = first[key], second[key]
    if one.dtype.kind == "U" and other.dtype.kind == "U":
        return _text_apart(str(one), str(other))
    if one.dtype != other.dtype or one.shape != other.shape or one.dtype.kind not in "fiub":
        return f"was {one.dtype} {one.shape}, is {other.dtype} {other.shape}"
    gap = np.abs(one.astype(np.float64) - other.astype(np.float64))
    rows = np.unique(np.nonzero(np.atleast_1d(one != other))[0])
    return f"by at most {np.nanmax(gap):.3g}, first in row {rows[0] if len(rows) else 0}"


def _text_apart(one: str, other: str) -> str:
    """Show where two texts part."""
    same = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    start = max(same - 20, 0)
    return f"was {one[start : start + 60]!r}, is {other[start : start + 60]!r}"


def _git(tree: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=tree, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
