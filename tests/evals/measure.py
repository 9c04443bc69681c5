"""How well `app.understanding` understands: rates on labelled phrases, with what was missed.

All sets but one have been tuned on, the half called held out too: their rates hold what was
reached, and say nothing of new phrasing. What each gave at its first run stands in docs/adr/0026.
Only the unseen rounds forecast: rules and weights are never changed because of their misses. Called
by `make eval`, which prints, and by tests/unit/test_understanding_evals.py, which fails.
"""

from __future__ import annotations

import csv
import hashlib
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.understanding.sensitive import mask_sensitive
from app.understanding.understand import Understanding, understand

PHRASES = Path(__file__).parent / "phrases"
# Rounds of phrases, each written before the engine was run on it. The seen ones have taught the
# rules and the weights (scripts/train_likeness.py); the unseen ones teach nobody.
SEEN_ROUNDS = (1, 2, 3, 4, 5, 6, 7, 10)
UNSEEN_ROUNDS = (8, 9)


@dataclass
class Rate:
    """Of `total` texts that should all be told alike, those that were not."""

    name: str
    target: str
    worst: float  # the share of misses that is still allowed
    total: int = 0
    missed: list[str] = field(default_factory=list)
    recall: bool = False  # show what was right instead of what was wrong

    @property
    def share(self) -> float:
        return len(self.missed) / self.total if self.total else 0.0

    @property
    def met(self) -> bool:
        return self.share <= self.worst + 1e-9

    @property
    def shown(self) -> str:
        return f"{1 - self.share if self.recall else self.share:.2%}"


def lines(name: str) -> list[str]:
    text = (PHRASES / f"{name}.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("# ")]


def held_out(text: str) -> bool:
    return hashlib.sha256(text.encode()).digest()[0] % 2 == 1


def all_rates(data: Path | None = None) -> Iterator[Rate]:
    """Every class; with `data`, also the everyday texts in that folder."""
    for half, chosen in (("tune", False), ("held out", True)):
        yield from _phrases(half, lambda text, chosen=chosen: held_out(text) is chosen)
    for later in ("fresh", "last"):
        yield _recall(f"opt-out, {later}", 0.01, lines(f"opt_out_{later}"), _leaves)
        yield _alarms(f"opt-out: not so, {later}", 0.001, lines(f"not_opt_out_{later}"), _leaves)
        yield _recall(f"crisis, {later}", 0.05, lines(f"crisis_{later}"), _in_danger)
    yield _alarms("crisis: none, last", 0.002, lines("not_crisis_last"), _in_danger)
    # Neither is a target: below that, something got worse. Of the seen ones what was learnt, of the
    # unseen ones the far ends of the intervals that docs/adr/0026 tells.
    yield from _rounds(
        "rounds learnt from",
        SEEN_ROUNDS,
        obeyed=0.16,
        asked=0.04,
        alarms=0.015,
        crisis=(0.16, 0.025),
    )
    yield from _rounds(
        "unseen rounds", UNSEEN_ROUNDS, obeyed=0.056, asked=0.026, alarms=0.016,
        crisis=(0.07, 0.041),
    )  # fmt: skip
    yield _questions()
    yield _words()
    yield _alarms("opt-out, everyday", 0.001, lines("everyday"), _leaves)
    yield _alarms("crisis, everyday", 0.002, lines("everyday"), _in_danger)
    yield from _secrets()
    if data is not None:
        yield from _everyday(data)


def _phrases(half: str, chosen: Callable[[str], bool]) -> Iterator[Rate]:
    def some(name: str) -> list[str]:
        return list(filter(chosen, lines(name)))

    yield _recall(f"opt-out, {half}", 0.01, some("opt_out"), _leaves)
    yield _alarms(f"opt-out: not so, {half}", 0.001, some("not_opt_out"), _leaves)
    yield _recall(f"ambiguous, {half}", 0.1, some("ambiguous"), _unclear)
    yield _recall(f"crisis, {half}", 0.05, some("crisis"), _in_danger)
    yield _alarms(f"crisis: none, {half}", 0.002, some("not_crisis"), _in_danger)


def _rounds(
    name: str,
    rounds: Sequence[int],
    *,
    obeyed: float,
    asked: float,
    alarms: float,
    crisis: tuple[float, float],
) -> Iterator[Rate]:
    learnt = set() if rounds == SEEN_ROUNDS else _learnt()

    def all_of(kind: str) -> list[str]:
        texts = [text for number in rounds for text in lines(f"round_{number}/{kind}")]
        return [text for text in texts if text not in learnt]

    yield _recall(f"opt-out, {name}, obeyed", obeyed, all_of("opt_out"), _leaves)
    yield _recall(f"opt-out, {name}, or asked", asked, all_of("opt_out"), _leaves_or_unclear)
    yield _alarms(f"opt-out: not so, {name}", alarms, all_of("not_opt_out"), _leaves)
    yield _recall(f"crisis, {name}", crisis[0], all_of("crisis"), _in_danger)
    yield _alarms(f"crisis: none, {name}", crisis[1], all_of("not_crisis"), _in_danger)


def _learnt() -> set[str]:
    """Every phrase that rules or weights have seen: plain ones occur to everybody who writes."""
    names = [f"round_{number}" for number in SEEN_ROUNDS]
    files = [
        *PHRASES.glob("*.txt"),
        *(file for name in names for file in (PHRASES / name).iterdir()),
    ]
    return {text for file in files for text in file.read_text(encoding="utf-8").splitlines()}


def _leaves_or_unclear(found: Understanding) -> bool:
    return found.opt_out.verdict != "no"  # who is asked, and stays silent, is out too


def _leaves(found: Understanding) -> bool:
    return found.opt_out.verdict == "yes"


def _unclear(found: Understanding) -> bool:
    return found.opt_out.verdict == "ambiguous"


def _in_danger(found: Understanding) -> bool:
    return found.crisis is not None


def _recall(
    name: str, worst: float, texts: Iterable[str], holds: Callable[[Understanding], bool]
) -> Rate:
    rate = Rate(f"{name}: recall", f"≥ {1 - worst:.1%}", worst, recall=True)
    for text in texts:
        rate.total += 1
        if not holds(understand(text)):
            rate.missed.append(text)
    return rate


def _alarms(
    name: str, worst: float, texts: Iterable[str], holds: Callable[[Understanding], bool]
) -> Rate:
    rate = Rate(f"{name}: false alarms", f"≤ {worst:.1%}", worst)
    for text in texts:
        rate.total += 1
        if holds(found := understand(text)):
            rule = found.crisis.rule if holds is _in_danger and found.crisis else found.opt_out.rule
            rate.missed.append(f"{text[:160]}   [{rule}]")
    return rate


def _questions() -> Rate:
    rate = Rate("short answers against the question", "≥ 99.0%", 0.01, recall=True)
    for line in lines("against_question"):
        question, text, answer, verdict = (part.strip() for part in line.split("=>"))
        found = understand(text, last_question=question)
        rate.total += 1
        if (found.answer or "none", found.opt_out.verdict) != (answer, verdict):
            rate.missed.append(f"{line}   [{found.answer}, {found.opt_out}]")
    return rate


def _words() -> Rate:
    rate = Rate("HELP, START, YES, WHY", "≥ 99.0%", 0.01, recall=True)
    for line in lines("words"):
        text, wanted = (part.strip() for part in line.split("=>"))
        found = understand(text)
        told = "help" if found.help else "why" if found.why else "start" if found.start else "none"
        if told == "start" and found.keyword is not None and found.keyword.how == "yes":
            told = "yes_word"
        rate.total += 1
        if told != wanted:
            rate.missed.append(f"{line}   [{told}]")
    return rate


def _secrets() -> Iterator[Rate]:
    masked = Rate("secrets masked", "100%", 0.0, recall=True)
    for line in lines("secrets"):
        text, _, wanted = line.rpartition("=>")
        kinds = sorted(mask_sensitive(text.strip()).kinds)
        masked.total += 1
        if kinds != sorted(set(wanted.split()) - {"none"}):
            masked.missed.append(f"{line}   {kinds}")
    yield masked
    yield _split_secrets()
    yield _drawn_cards()
    kept = Rate("order, tracking, phone numbers masked", "0%", 0.0)
    for text in (*lines("not_secrets"), *_drawn_orders()):
        kept.total += 1
        if (found := mask_sensitive(text)).text != text:
            kept.missed.append(f"{text}   {found.text}")
    yield kept


def _split_secrets() -> Rate:
    rate = Rate("secrets over two texts", "100%", 0.0, recall=True)
    for line in lines("split_secrets"):
        both, _, wanted = line.rpartition("=>")
        before, text = (part.strip() for part in both.split("||"))
        found = mask_sensitive(text, earlier=[before])
        told = {
            "card": any(m.text == 0 for m in found.earlier) and "card ending" in found.text,
            "code": "[card code]" in found.text,
            "password": "[password]" in found.text,
            "none": found.text == text,
        }
        rate.total += 1
        if not told[wanted.strip()]:
            rate.missed.append(f"{line}   {found}")
    return rate


GROUPINGS = ("{}", "card {}", "it's {} thanks", "my number is {} exp 04/29", "{}\nAna Ruiz")


def _drawn_cards() -> Rate:
    rate = Rate("cards drawn at random, usual groupings", "100%", 0.0, recall=True)
    draw = random.Random(7)
    for prefix, length in (
        ("4", 16),
        ("51", 16),
        ("2221", 16),
        ("34", 15),
        ("6011", 16),
        ("35", 16),
    ):
        for _ in range(150):
            card = _with_check_digit(
                prefix + "".join(draw.choices("0123456789", k=length - len(prefix) - 1))
            )
            apart = draw.choice(["", " ", "-", ".", "  "])
            cut = [4, 6, 5] if length == 15 else [4, 4, 4, 4]
            pieces = [card[sum(cut[:n]) : sum(cut[: n + 1])] for n in range(len(cut))]
            text = draw.choice(GROUPINGS).format(apart.join(pieces))
            rate.total += 1
            if f"[card ending {card[-4:]}]" not in mask_sensitive(text).text:
                rate.missed.append(text)
    return rate


def _drawn_orders() -> Iterator[str]:
    """Numbers that pass Luhn by chance, called what they are."""
    draw = random.Random(11)
    for name in ("order", "order #", "tracking number", "FedEx", "IMEI", "my order number is"):
        for length in (10, 12, 13, 15, 16, 20):
            for first in "4563":
                body = first + "".join(draw.choices("0123456789", k=length - 2))
                yield f"{name} {_with_check_digit(body)}"
    for _ in range(200):
        yield "1Z" + "".join(draw.choices("0123456789ABCDEFGHJKLMNPRSTUVWXYZ", k=16))
        yield "9" + draw.choice("2345") + "".join(draw.choices("0123456789", k=20))
        yield f"{draw.randint(200, 999)}-555-01{draw.randint(10, 99)}"


def _with_check_digit(body: str) -> str:
    total = 0
    for index, char in enumerate(reversed(body)):
        value = int(char) * (1 if index % 2 else 2)
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)


def _everyday(data: Path) -> Iterator[Rate]:
    ham = [t for t in (data / "sms_ham.txt").read_text(encoding="utf-8").splitlines() if t.strip()]
    with (data / "utterances.csv").open(encoding="utf-8", newline="") as file:
        asked = [row["utterance"] for row in csv.DictReader(file)]
    # Friends write of texts, numbers and leaving more than buyers do. Two of theirs do ask for no
    # more texts, and are right to count as opt-outs.
    for name, texts, leave, unclear in (
        ("sms_ham.txt", ham, 0.001 + 2 / len(ham), 0.025),
        ("utterances.csv", asked, 0.001, 0.003),
    ):
        yield _alarms(f"opt-out, {name}", leave, texts, _leaves)
        yield _alarms(f"ambiguous, {name}", unclear, texts, _unclear)
        yield _alarms(f"crisis, {name}", 0.002, texts, _in_danger)
        rate = Rate(f"masked, {name}", "for information", 1.0, len(texts))
        rate.missed = [text for text in texts if mask_sensitive(text).kinds]
        yield rate
