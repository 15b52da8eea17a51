"""Mutate sound files and read them: every outcome is a right answer or one line.

    python tests/fuzzing/run.py GROUP SEED COUNT [FOLDER]

prints one line of JSON: how many were read and refused, the peak of memory above the start in MB, the longest in
seconds, and every failure with the number of its mutation. FOLDER keeps the mutated files of the failures. The same
seed makes the same mutations on every machine.
"""

import json
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from corpus import READERS, write_corpus

LONGEST_S = 10
TOKENS = (
    "nan", "-nan", "inf", "1e999", "-1", "0", "1e-320", "99999999999999999999", "1,5", "", "?", ".", "'", '"', "[", "{",
    "é", "\ufeff", "\0", "x,y,z", "null", "true", "1/0", "-x,-y", "@", "!!python/name:os.system", "&a *a",
)  # fmt: skip


class TooLong(BaseException):
    """Raised by the alarm; no Exception, so that no reader takes it for a damaged file."""


def cut(raw: bytes, rng: np.random.Generator) -> bytes:
    """Cut the file short."""
    return raw[: int(rng.integers(0, len(raw)))]


def flip(raw: bytes, rng: np.random.Generator) -> bytes:
    """Flip a few bits anywhere."""
    out = bytearray(raw)
    for place in rng.integers(0, len(raw), rng.integers(1, 6)):
        out[place] ^= 1 << int(rng.integers(8))
    return bytes(out)


def strike(raw: bytes, rng: np.random.Generator) -> bytes:
    """Overwrite a stretch, with zeros, ones or noise."""
    start, length = int(rng.integers(0, len(raw))), int(rng.integers(1, 64))
    stretch = (bytes(length), b"\xff" * length, rng.bytes(length))[int(rng.integers(3))]
    return raw[:start] + stretch + raw[start + length :]


def begin(raw: bytes, rng: np.random.Generator) -> bytes:
    """Change a few bytes of the head, where sizes and types stand."""
    out = bytearray(raw)
    for place in rng.integers(0, min(len(raw), 700), rng.integers(1, 5)):
        out[place] = int(rng.integers(256))
    return bytes(out)


def repeat(raw: bytes, rng: np.random.Generator) -> bytes:
    """Put a stretch in once more."""
    start, end = sorted(int(place) for place in rng.integers(0, len(raw), 2))
    return raw[:end] + raw[start:end] + raw[end:]


def word(raw: bytes, rng: np.random.Generator) -> bytes:
    """Replace a word by one that means trouble."""
    text = raw.decode("utf-8", "replace")
    places = [k for k in range(1, len(text)) if text[k - 1] in " ,;:\t\n[{'\"" and text[k] not in " ,;:\t\n"]
    if not places:
        return raw
    start = places[int(rng.integers(len(places)))]
    end = start
    while end < len(text) and text[end] not in " ,;:\t\n]}'\"":
        end += 1
    return (text[:start] + TOKENS[int(rng.integers(len(TOKENS)))] + text[end:]).encode()


def lines(raw: bytes, rng: np.random.Generator) -> bytes:
    """Drop, double or swap lines."""
    parts = raw.split(b"\n")
    a, b = (int(k) for k in rng.integers(0, len(parts), 2))
    kind = int(rng.integers(3))
    if kind == 0:
        del parts[a]
    elif kind == 1:
        parts.insert(b, parts[a])
    else:
        parts[a], parts[b] = parts[b], parts[a]
    return b"\n".join(parts)


BINARY = (cut, flip, strike, begin, repeat)
TEXT = (word, word, word, lines, lines, cut, flip, strike)


def mutated(raw: bytes, text: bool, rng: np.random.Generator) -> bytes:
    """Return the file after one to three mutations."""
    for _ in range(int(rng.integers(1, 4))):
        kinds = TEXT if text else BINARY
        raw = kinds[int(rng.integers(len(kinds)))](raw, rng) or b" "
    return raw


def outcome(read: Callable[[Path], None], path: Path) -> str:
    """Return "read", "refused", or what went wrong."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", RuntimeWarning)  # numpy's words about overflow would reach the user's screen
            read(path)
        return "read"
    except AssertionError as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"wrong answer: {place.line} {str(error)[:200]}"
    except TooLong as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"longer than {LONGEST_S} s at {place.filename}:{place.lineno}"
    except (ValueError, OSError) as error:
        said = str(error)
        return "refused" if said and "\n" not in said else f"not one line: {said[:300]!r}"
    except BaseException as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} at {place.filename}:{place.lineno}: {str(error)[:200]}"


def _too_long(*_: object) -> None:
    raise TooLong


def run(group: str, seed: int, count: int, keep: Path | None = None) -> dict[str, object]:
    """Mutate the files of a group in turn, ``count`` times in all."""
    signal.signal(signal.SIGALRM, _too_long)
    report: dict[str, object] = {"read": 0, "refused": 0, "failures": []}
    longest, start_kb = 0.0, 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_corpus(folder)
        readers = READERS[group]
        sound = {name: (folder / name).read_bytes() for name in readers}
        for name, read in readers.items():
            if (said := outcome(read, folder / name)) != "read":
                report["failures"].append([name, -1, said])  # type: ignore[attr-defined]
        start_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        names = list(readers)
        for number in range(count):
            name = names[number % len(names)]
            rng = np.random.default_rng([seed, number])
            path = folder / name
            path.write_bytes(mutated(sound[name], group in ("cif", "detectors", "lists", "yaml"), rng))
            began = time.monotonic()
            signal.alarm(LONGEST_S)
            said = outcome(readers[name], path)
            signal.alarm(0)
            longest = max(longest, time.monotonic() - began)
            if said in ("read", "refused"):
                report[said] += 1  # type: ignore[operator]
            else:
                report["failures"].append([name, number, said])  # type: ignore[attr-defined]
                if keep is not None:
                    (keep / f"{number}_{name}").write_bytes(path.read_bytes())
    used_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start_kb) / 1024
    return {**report, "memory_mb": round(used_mb), "longest_s": round(longest, 2)}


if __name__ == "__main__":
    group, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    print(json.dumps(run(group, seed, count, Path(sys.argv[4]) if len(sys.argv) > 4 else None)))
