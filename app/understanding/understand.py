"""What a buyer's text means before anybody answers it: one pure function over everything here.

Called in the inbound door before the text is stored, with the last question that the shop asked
and the earlier texts of the same turn. Needs no network and no database, costs well under two
milliseconds, and decides nothing: the verdicts carry their rule, the callers act.

How they are meant:
- `opt_out` yes: obey in the transaction that stores the text. Ambiguous: one clarifying text
  within five minutes (47 CFR 64.1200(a)(12)); silence means out. `opt_out.marketing`: the buyer
  left a newsletter or e-mails; record that, and answer whatever else was asked.
- `keyword`: what networks and the provider make of the text, obeyed whatever we think of it.
- `crisis`: the assistant is silent, a person is fetched, the help line of the country is named.
- `wants_human`: a person is asked for, in that language; the thread is handed off.
- `why`: send the consent receipt. `answer`: yes or no to the last question.
- `masked`: store and show this instead of the text; `masked.earlier` mends stored pieces.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.understanding.crisis import Crisis, read_crisis
from app.understanding.fold import plain
from app.understanding.keywords import How, Keyword, KeywordKind, carrier_keyword
from app.understanding.opt_out import OptOut, Verdict, read_opt_out
from app.understanding.questions import Answer, LastQuestion, read_answer, read_question
from app.understanding.sensitive import Masked, mask_sensitive
from app.understanding.wants_human import Language, asks_for_human
from app.understanding.why import asks_why


@dataclass(frozen=True)
class Understanding:
    opt_out: OptOut
    keyword: Keyword | None
    crisis: Crisis | None
    answer: Answer | None
    why: str | None  # the rule by which the consent receipt is asked for
    wants_human: Language | None
    asks_something: bool
    masked: Masked

    @property
    def help(self) -> bool:
        return self.keyword is not None and self.keyword.kind is KeywordKind.HELP

    @property
    def start(self) -> bool:
        """START or UNSTOP, or YES where nothing was asked: opts in who had opted out."""
        if self.keyword is None or self.keyword.kind is not KeywordKind.OPT_IN:
            return False
        return self.keyword.how is not How.YES or self.answer is None


def understand(
    text: str,
    *,
    last_question: str | LastQuestion | None = None,
    earlier: Sequence[str] = (),
    tracking_numbers: Sequence[str] = (),
) -> Understanding:
    """Everything that `text` says by itself, read against our last question (a text or a slug)."""
    said = plain(text)
    question = read_question(last_question)
    keyword = carrier_keyword(text)
    answer = read_answer(said or text) if question is not LastQuestion.NONE else None
    why = asks_why(said)
    opt_out = _opt_out(said, keyword, question, answer)
    if why is not None and opt_out.by_sound:  # the receipt answers, and says how to stop
        opt_out = OptOut(Verdict.NO, f"asks why ({why})", 0.0)
    return Understanding(
        opt_out=opt_out,
        keyword=keyword,
        crisis=read_crisis(said, original=text),
        answer=answer,
        why=why,
        wants_human=asks_for_human(said),
        asks_something="?" in said or _ASKS.match(said) is not None,
        masked=mask_sensitive(text, earlier=earlier, tracking_numbers=tracking_numbers),
    )


_ASKS = re.compile(
    r"(?:hi |hey |hello |please |and |so )*(?:what|which|how|when|where|who|why|can|could|would"
    r"|will|do|does|did|is|are|was|has|have|should|"
    r"que|cual|como|cuando|donde|quien|por que|pueden|puede|hay|est ce que|ou est)\b"
)


def _opt_out(
    said: str, keyword: Keyword | None, question: LastQuestion, answer: Answer | None
) -> OptOut:
    if keyword is not None and keyword.kind is KeywordKind.OPT_OUT:
        return OptOut(Verdict.YES, "carrier keyword", 1.0)
    about_texting = question in (LastQuestion.KEEP_TEXTING, LastQuestion.STOP_TEXTING)
    found = read_opt_out(said, asked=question.takes_no, about_texting=about_texting)
    if found.verdict is Verdict.YES and not (found.soft and question is LastQuestion.OFFER):
        return found
    bare = answer is not None and len(said.split()) <= 4
    if bare and (question, answer) in _ANSWERS_THAT_LEAVE:
        return OptOut(Verdict.YES, f"{answer} to {question}", 0.9)
    if question.takes_no and (bare or not found.by_sound):
        return OptOut(
            Verdict.NO, f"answers the question ({question})", found.score, marketing=found.marketing
        )
    if bare and question is LastQuestion.CONSENT and answer is Answer.NO:
        return OptOut(Verdict.AMBIGUOUS, "no, after the opt-out line", 0.5)
    return found


_ANSWERS_THAT_LEAVE = {
    (LastQuestion.KEEP_TEXTING, Answer.NO),
    (LastQuestion.STOP_TEXTING, Answer.YES),
}
