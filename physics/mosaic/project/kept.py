"""What a person changed in a table since it was written, and how that outlives a step that writes it anew.

Beside each file, in ``.written/``, lies the copy that a step wrote last. A cell that differs from that copy was changed
by a person.
"""

import csv
import io
from collections.abc import Sequence

Cells = dict[tuple[str, ...], dict[str, str]]
"""Rows by their key columns; each by the columns' names."""


def merged(new: str, now: str, written: str, keys: Sequence[str]) -> tuple[str, list[str]]:
    """Return a new table in which what a person changed is kept.

    Parameters
    ----------
    new : CSV that a step wants to write
    now : CSV that is there
    written : CSV as a step wrote it last
    keys : the columns by which rows are told apart

    Returns
    -------
    the CSV to write, and a line for each cell, and each row, that was kept as the person left it, or that the new table
    has no place for
    """
    heads, fresh = _cells(new, keys)
    _, present = _cells(now, keys)
    _, before = _cells(written, keys)
    kept: list[str] = []
    for key in [key for key in before if key not in present and key in fresh]:
        del fresh[key]
        kept.append(f"{' '.join(key)}: stays removed, as you removed it")
    for key, row in present.items():
        if key not in before:
            fresh.setdefault(key, {**dict.fromkeys(heads, ""), **row})
            kept.append(f"{' '.join(key)}: the row stays that you added")
            continue
        for head, cell in row.items():
            if _same(cell, before[key].get(head, "")) or head not in heads:
                continue
            what = f"{' '.join(key)}, {head}: {cell or 'empty'}"
            if key not in fresh:
                kept.append(f"{what} is lost, as this step has no row of {' '.join(key)} any more")
                continue
            if not _same(cell, fresh[key][head]):
                kept.append(f"{what} stays as you changed it, instead of {fresh[key][head] or 'empty'}")
            fresh[key][head] = cell
    return _text(heads, fresh), kept


def changed(now: str, written: str, keys: Sequence[str]) -> list[str]:
    """Return a line for each cell and row of a table that differs from what a step wrote last."""
    _, present = _cells(now, keys)
    heads, before = _cells(written, keys)
    lines = [f"{' '.join(key)}: removed" for key in before if key not in present]
    for key, row in present.items():
        if key not in before:
            lines.append(f"{' '.join(key)}: added")
            continue
        lines += [
            f"{' '.join(key)}, {head}: {row.get(head) or 'empty'}, was {before[key][head] or 'empty'}"
            for head in heads
            if not _same(row.get(head, ""), before[key][head])
        ]
    return lines


def touched(
    now: str, written: str, keys: Sequence[str]
) -> tuple[dict[tuple[str, ...], frozenset[str]], list[tuple[str, ...]]]:
    """Return by key which columns a person changed, all of an added row, and the keys of rows that were removed."""
    _, present = _cells(now, keys)
    heads, before = _cells(written, keys)
    found = {}
    for key, row in present.items():
        old = before.get(key)
        own = frozenset(h for h in heads if old is None or not _same(row.get(h, ""), old[h]))
        if own:
            found[key] = own
    return found, [key for key in before if key not in present]


def as_before(new: str, now: str, written: str, keys: Sequence[str]) -> str:
    """Return the copy of a new table to be kept in ``.written/``, of rows that follow what a person changed.

    Cells that the person changed are as they were before that, rows that were removed stay in it, and rows that were
    added stay out, so that all of them differ from the table as they did.
    """
    heads, fresh = _cells(new, keys)
    _, before = _cells(written, keys)
    found, removed = touched(now, written, keys)
    for key in removed:
        fresh[key] = before[key]
    for key, own in found.items():
        if key not in before:
            fresh.pop(key, None)
        elif key in fresh:
            fresh[key] |= {head: before[key][head] for head in own}
    return _text(heads, fresh)


def _cells(text: str, keys: Sequence[str]) -> tuple[list[str], Cells]:
    lines = [line for line in csv.reader(io.StringIO(text.removeprefix("\ufeff"))) if any(line)]
    if not lines:
        return [], {}
    heads = [head.strip() for head in lines[0]]
    rows = [dict(zip(heads, (cell.strip() for cell in line), strict=False)) for line in lines[1:]]
    return heads, {tuple(row.get(key, "") for key in keys): row for row in rows}


def _text(heads: Sequence[str], cells: Cells) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows([row.get(head, "") for head in heads] for row in cells.values())
    return out.getvalue()


def _same(a: str, b: str) -> bool:
    """Return whether two cells say the same: a spreadsheet writes 1.5 for 1.5000."""
    if a == b:
        return True
    try:
        return float(a) == float(b)
    except ValueError:
        return False
