"""`make eval`: rates of understanding, with the misses; ends with 1 where a target is missed.

`make eval ARGS=folder` (or EVAL_DATA=folder) measures also on the everyday texts there: a
sms_ham.txt of one text a line, and a utterances.csv with a column `utterance`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.evals.measure import all_rates


def main(arguments: list[str]) -> int:
    folder = arguments[0] if arguments else os.environ.get("EVAL_DATA")
    rates = list(all_rates(Path(folder) if folder else None))
    for rate in rates:
        for missed in rate.missed:
            sys.stdout.write(f"{rate.name} | {missed}\n")
    sys.stdout.write(f"\n{'':<52}{'texts':>7}{'measured':>10}   target\n")
    for rate in rates:
        mark = "met" if rate.met else "MISSED"
        sys.stdout.write(f"{rate.name:<52}{rate.total:>7}{rate.shown:>10}   {rate.target} {mark}\n")
    return int(not all(rate.met for rate in rates))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
