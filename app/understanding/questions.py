"""What a short answer means beside the last question: "no" after "Did everything arrive okay?".

Called by `understand`. "No" is a problem report, a refused offer or a wish to get no more texts,
as the question was. Our openers carry "Reply STOP to opt out." by law: that line is no question,
and only where nothing else was asked does a bare "no" lean on it.
"""

from __future__ import annotations

import re
from enum import StrEnum

from app.understanding.fold import plain


class LastQuestion(StrEnum):
    YES_NO = "yes_no"  # did everything arrive?
    OFFER = "offer"  # would you like the next size up?
    OPEN = "open"  # how does it fit?
    KEEP_TEXTING = "keep_texting"  # may we text you?
    STOP_TEXTING = "stop_texting"  # do you want us to stop?
    CONSENT = "consent"  # nothing asked but "Reply STOP to opt out"
    NONE = "none"

    @property
    def takes_no(self) -> bool:
        """Whether "no", "not interested" or "I'm done" answers it and says nothing about texts."""
        return self in (self.YES_NO, self.OFFER, self.OPEN, self.STOP_TEXTING)


_SLUGS = {question.value: question for question in LastQuestion}
_OPT_OUT_LINE = re.compile(
    r"(?:(?:reply|text|send|txt|responda|envie|repondez) )?(?:help for help,? (?:or )?)?\"?stop\"? "
    r"(?:to|2|for|para|pour) [^.?!]*[.!]?|msg (?:&|and) data rates[^.?!]*[.!]?"
)
_TEXTING = (
    r"\b(?:texts?|texting|messages?|messaging|hear(?:ing)? from us|sms|mensajes?|textos?"
    r"|escrib\w+)\b"
)
_STOPPING = re.compile(
    r"\b(?:stop|unsubscribe|opt(?:ed)? out|no more|end|dejar de|dejemos|cancel)\b"
)
_RECEIVED_ONE = re.compile(r"\b(?:get|see|receive|got|mean|read) (?:my|our|the|this|that|your)\b")
_OFFERING = re.compile(
    r"\b(?:would you (?:like|prefer|rather)|(?:do|did) you (?:want|need)|want (?:us|me|a|an|the"
    r"|to)|(?:should|shall|can|could|may) (?:we|i)|"
    r"interested in|how about|care for|anything else|is it okay if|quiere|quieres|le gustaria"
    r"|te gustaria|desea|podemos)\b"
)
_OPEN = re.compile(
    r"(?:^|[,.:!] ?|\b(?:and|so|hi|hello) )(?:what|which|how|when|where|who|why|whose|que|cual"
    r"|como|cuando|donde|quien|quel|quelle|comment)\b"
)
_INVITES = re.compile(r"\b(?:let us know|tell us|reply with|send us|cuentenos|diganos)\b")


def read_question(last: str | LastQuestion | None) -> LastQuestion:
    """The kind of question in our last text, which may also be given as a slug."""
    if last is None or isinstance(last, LastQuestion):
        return last or LastQuestion.NONE
    if last.strip().lower() in _SLUGS:
        return _SLUGS[last.strip().lower()]
    said = plain(last).replace("¿", " ")
    rest = _OPT_OUT_LINE.sub(" ", said)
    asked = [part for part in re.findall(r"[^.!?]*\?", rest) if part.strip(" ?")]
    if not asked:
        if _INVITES.search(rest):
            return LastQuestion.OPEN
        return LastQuestion.CONSENT if rest != said else LastQuestion.NONE
    question = asked[-1]
    if re.search(_TEXTING, question) and not _RECEIVED_ONE.search(question):
        return (
            LastQuestion.STOP_TEXTING if _STOPPING.search(question) else LastQuestion.KEEP_TEXTING
        )
    if _OFFERING.search(question):
        return LastQuestion.OFFER
    return LastQuestion.OPEN if _OPEN.search(question.strip()) else LastQuestion.YES_NO


class Answer(StrEnum):
    YES = "yes"
    NO = "no"


_NO = re.compile(
    r"(?:(?:oh|um|uh|well|actually|sorry|unfortunately|im afraid|pues)[, ]*)*"
    r"(?:no+|nope|nop|nah+|na|n|negative|non|not (?:really|at all|yet|quite|exactly|everything"
    r"|interested)|im not interested|"
    r"it (?:did not|didnt|hasnt|has not|isnt|is not|doesnt|does not)|i (?:dont|do not|didnt"
    r"|havent)|didnt|hasnt|isnt|doesnt|dont|"
    r"todavia no|aun no|ninguno|nada|para nada|no me interesa|pas encore|👎|im done|im good"
    r"|i am good|pass|never)\b"
)
_YES = re.compile(
    r"(?:(?:oh|um|uh|well|hi|hey)[, ]*)*(?:y+|yes+|yep+|yup+|yea+h*|yah|ya|ye|yass+|sure|ok|okay"
    r"|correct|affirmative|absolutely|definitely|of course|"
    r"it (?:did|does|is|has|was)\b|si+\b|claro|oui|please do|all good|todo bien|perfect|got it"
    r"|cancel it|please cancel|go ahead|do it|👍)(?:\b|$)"
)


def read_answer(text: str) -> Answer | None:
    """The yes or no that a reply begins with; `text` as `fold.plain` gives it."""
    said = text.replace("'", "").strip(' .!,-*"')
    if _NO.match(said):
        return Answer.NO
    return Answer.YES if _YES.match(said) else None
