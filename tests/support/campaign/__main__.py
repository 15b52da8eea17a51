"""Plays the campaign: ``PYTHONPATH=tests/support python -m campaign --seeds 5 --workers 2 --out out/campaign``.

A run that has a verdict in the folder is not played again; ``--only NAME --seed 3`` plays one anew and tells it whole.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from campaign.campaign import Job, jobs, play_all, read_verdicts, warmed
from campaign.judge import Verdict
from campaign.report import complaints, table


def main(words: Sequence[str] | None = None) -> int:
    """Play, judge and print; returns 1 where anything is not as it must be."""
    parser = argparse.ArgumentParser(prog="campaign", description=__doc__)
    parser.add_argument("--only", nargs="*", help="these scenarios; by default all")
    parser.add_argument("--seed", type=int, help="this seed alone, played anew")
    parser.add_argument("--seeds", type=int, default=5, help="seeds 0 to this one")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1), help="runs side by side")
    parser.add_argument("--out", type=Path, default=Path("out/campaign"), help="folder of all files")
    parser.add_argument("--before", type=Path, help="verdicts.json of an earlier campaign, to stand beside")
    parser.add_argument("--judge-again", action="store_true", help="judge what was played before by today's table")
    given = parser.parse_args(words)
    seeds = range(given.seeds) if given.seed is None else [given.seed]
    wanted = jobs(given.only, seeds)
    if not all((job.folder(given.out) / "verdict.json").exists() for job in wanted):
        warmed()
    begun = time.monotonic()
    verdicts: list[Verdict] = []
    for job, verdict in play_all(wanted, given.out, given.workers, given.seed is not None, given.judge_again):
        verdicts.append(verdict)
        print(_line(job, verdict, len(verdicts), len(wanted)), flush=True)
    before = [] if given.before is None else read_verdicts(given.before)
    print(f"\n{table(verdicts, before)}\n")
    print("\n".join(complaints(verdicts)) or "everything is as it must be")
    print(f"{len(verdicts)} runs in {time.monotonic() - begun:.0f} s")
    (given.out / "verdicts.json").write_text(json.dumps([v.as_dict() for v in verdicts], indent=1), encoding="utf-8")
    return int(bool(complaints(verdicts)))


def _line(job: Job, verdict: Verdict, number: int, among: int) -> str:
    bad = [name for name in ("unsafe", "misleading", "false_alarm") if getattr(verdict, name)]
    told = verdict.reason[:150]
    return f"{number}/{among} {job.name} {job.seed}: {', '.join(bad).upper() or 'ok'} {verdict.seconds:.0f} s: {told}"


if __name__ == "__main__":
    sys.exit(main())
