"""Understanding a text: how many a second on one core, and the slowest in a hundred (2 ms)."""

from __future__ import annotations

import time

from app.understanding.understand import understand
from bench.run import alone
from bench.stage import Stage
from bench.table import Finding
from tests.evals.measure import lines

LIMIT = 0.002  # seconds for one text
ROUNDS = 5
CLASSES = ("opt_out", "not_opt_out", "ambiguous", "crisis", "not_crisis", "not_secrets")


def measure(stage: Stage) -> list[Finding]:
    texts = [text for name in CLASSES for text in lines(name)]
    # As long as one text may be: ten parts of everyday talk in one.
    texts += [". ".join(texts[at : at + 40])[:1600] for at in range(0, len(texts), 100)]
    for text in texts:
        understand(text)
    seconds = sorted(_timed(text) for _ in range(ROUNDS) for text in texts)
    p99 = seconds[int(len(seconds) * 0.99)]
    rate = len(seconds) / sum(seconds)
    return [
        Finding(
            "understanding one text, p99", "≤ 2 ms", f"{p99 * 1e3:.2f} ms", p99 <= LIMIT,
            f"{rate:,.0f} texts a second on one core; {len(texts)} texts, of which"
            f" {len(texts) // 100 + 1} are as long as a text may be",
        )
    ]  # fmt: skip


def _timed(text: str) -> float:
    began = time.thread_time()  # not the neighbours' time: a millisecond is easily lost to them
    understand(text, last_question="Did everything arrive okay? Reply STOP to opt out.")
    return time.thread_time() - began


if __name__ == "__main__":
    alone(measure)
