"""Learn the weights of `app.understanding.likeness` from the labelled phrases of tests/evals.

`python -m scripts.train_likeness` writes app/understanding/data/likeness_*.txt, the same bytes for
the same phrases. It is a logistic regression, learnt in steps (Adagrad); that needs no library, and
takes about a minute. Rounds that are kept unseen are never read here: see tests/evals/phrases.

What one person writes about leaving comes alone; what buyers write comes among other things. So a
part of the phrases is also learnt behind, or before, an everyday one.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from math import exp, sqrt
from pathlib import Path

from app.understanding.crisis import CrisisKind, as_meant, crisis_by_rule, words_of_danger
from app.understanding.fold import plain
from app.understanding.likeness import groups_in
from app.understanding.opt_out import words_of_leaving
from tests.evals.measure import PHRASES, SEEN_ROUNDS, lines

DATA = Path(__file__).resolve().parents[1] / "app" / "understanding" / "data"

PASSES = 12
STEP = 0.3
SHRINK = 3e-5
LIGHTEST = 115  # hundredths; what weighs less is left out: it costs memory and tells little
SEEN_BY = 2  # phrases that must carry a group of words before it is learnt


def phrases(*names: str) -> list[str]:
    return [text for name in names for text in lines(name)]


def in_danger(kind: CrisisKind) -> list[str]:
    """Phrases below a heading that names their kind; without one, as the rules read them."""
    found: list[str] = []
    for name in ("crisis", "crisis_fresh", "crisis_last", *rounds("crisis")):
        heading = None
        for row in (PHRASES / f"{name}.txt").read_text(encoding="utf-8").splitlines():
            if row.startswith("# "):
                heading = row.removeprefix("# ")
            elif row.strip() and (heading if heading in set(CrisisKind) else _kind(row)) == kind:
                found.append(row)
    return found


def _kind(text: str) -> CrisisKind | None:
    found = crisis_by_rule(as_meant(plain(text)))
    return found.kind if found else None


def rounds(name: str) -> list[str]:
    return [f"round_{number}/{name}" for number in SEEN_ROUNDS]


def among_others(texts: list[str], others: list[str], share: float) -> list[str]:
    """Some of `texts` again, each beside one of `others`."""
    draw = random.Random(len(texts))
    some = [text for text in texts if draw.random() < share]
    return [
        f"{draw.choice(others)}. {text}"
        if draw.random() < 0.6
        else f"{text}. {draw.choice(others)}"
        for text in some
    ]


def learn(examples: list[tuple[frozenset[str], int]]) -> tuple[dict[str, float], float]:
    often = Counter(group for groups, _ in examples for group in groups)
    kept = [(sorted(g for g in groups if often[g] >= SEEN_BY), len(groups), wanted)
            for groups, wanted in examples]  # fmt: skip
    weights: dict[str, float] = {}
    moved: dict[str, float] = {}
    bias = 0.0
    draw = random.Random(1)
    for _ in range(PASSES):
        draw.shuffle(kept)
        for groups, size, wanted in kept:
            scale = 1 / sqrt(size + 1)
            score = bias + scale * sum(weights.get(group, 0.0) for group in groups)
            wrong = 1 / (1 + exp(-max(-30.0, min(30.0, score)))) - wanted
            bias -= STEP * 0.05 * wrong
            if abs(wrong) < 0.005:
                continue
            for group in groups:
                weight = weights.get(group, 0.0)
                pull = wrong * scale + SHRINK * weight
                moved[group] = moved.get(group, 0.01) + pull * pull
                weights[group] = weight - STEP * pull / sqrt(moved[group])
    return weights, bias


def write(name: str, weights: dict[str, float], bias: float) -> None:
    heavy = {g: round(w * 100) for g, w in weights.items() if abs(round(w * 100)) >= LIGHTEST}
    rows = [
        "# Hundredths, and the words that weigh them; written by scripts/train_likeness.py.",
        f"{round(bias * 100)} (always)",
        *(f"{weight} {group}" for group, weight in sorted(heavy.items())),
    ]
    path = DATA / f"likeness_{name}.txt"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    sys.stdout.write(f"{path.name}: {len(heavy)} groups of words\n")


def main() -> None:
    everyday = phrases("everyday", "round_7/everyday", "round_10/everyday")
    leaving = phrases("opt_out", "opt_out_fresh", "opt_out_last", *rounds("opt_out"))
    staying = phrases(
        "not_opt_out", "not_opt_out_fresh", "not_opt_out_last", *rounds("not_opt_out")
    )
    danger = phrases("crisis", "crisis_fresh", "crisis_last", *rounds("crisis"))
    safe = phrases("not_crisis", "not_crisis_last", *rounds("not_crisis"))
    neither = [*everyday, *staying, *safe, *phrases("not_secrets")]
    tasks = [("opt_out", words_of_leaving, leaving, [*neither, *danger])] + [
        (kind.value, words_of_danger, in_danger(kind), [*neither, *leaving]) for kind in CrisisKind
    ]
    for name, words, wanted, other in tasks:
        texts = [(text, 1) for text in [*wanted, *among_others(wanted, [*everyday, *safe], 0.4)]]
        texts += [(text, 0) for text in [*other, *among_others(neither, neither, 0.4)]]
        examples = [(groups_in(words(text)), label) for text, label in texts]
        write(name, *learn(examples))


if __name__ == "__main__":
    main()
