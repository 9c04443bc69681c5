"""Does the buyer ask for a person to talk to? Then the thread is a human's, and they are told when.

Called by `understand`. A clause is matched whole, never searched for a word: "agent" alone asks for
one, "travel agent" is what somebody is, and "the agent at the depot was rude" is a story. Whoever
asks whether we are a robot asks something else. In English and Spanish.
"""

from __future__ import annotations

import re
from typing import Literal

Language = Literal["en", "es"]

# Words that play the same part; a rule names them as {PART}.
_PARTS = {
    "BEFORE": r"(?:please|pls|plz|hi|hello|hey|ok|okay|so|also|just|um|uh|look|listen|sorry"
    r"|well|por favor|hola|oye|oiga|bueno)",
    "AFTER": r"(?:please|pls|plz|thanks|thank you|thx|now|right now|asap|today|instead|here|there"
    r"|at once|immediately|first|directly|again|about (?:this|that|it|my order|my return|my refund)"
    r"|por favor|gracias|ya|ahora|ahora mismo)",
    "A": r"(?:(?:an?|the|some|your|any|another|one of your|somebody|someone|anybody) )?"
    r"(?:(?:real|live|actual|human|living|different|proper) )*",
    "PERSON": r"(?:human(?: being)?s?|persons?|people|agents?|rep|reps|representatives?|operators?"
    r"|customer (?:service|support|care)(?: (?:agent|rep|representative|person|team))?"
    r"|support (?:agent|team|person|rep)|service rep|team member|staff member|member of staff)",
    "ONE": r"(?:someone|somebody|anyone|anybody)(?: (?:real|human|else|(?:from|on) your team))?",
    "OTHERS": r"(?:managers?|supervisors?|support|staff|employees?|associates?|specialists?"
    r"|advisors?)",
    "TALK": r"(?:talk|speak|chat|text|communicate)",
    "TO": r"(?:to|with)",
    "WANT": r"(?:(?:i|we) (?:want|need|wish|prefer|would like|'?d like|wanna|gotta|have|demand"
    r"|insist on)(?: to)?|i'd (?:like|rather|prefer)(?: to)?|(?:can|could|may) (?:i|we)|let me"
    r"|is it possible to|how (?:do|can) i|id like to)",
    "GIVE": r"(?:(?:can|could|would|will) (?:you|u) )?(?:get me|give me|connect me (?:to|with)"
    r"|transfer me to|put me (?:through to|in touch with|on with)|pass me (?:to|on to)|let me have"
    r"|send me to)",
    "UN": r"(?:(?:un|una|el|la|alguna|algun|otra|otro|su|con) )*(?:(?:verdadera|verdadero) )?",
    "PERSONA": r"(?:personas?(?: (?:real|de verdad|humana))?|humanos?|agentes?(?: humano)?"
    r"|asesora?s?|representantes?|operador(?:a|es)?|alguien(?: (?:real|humano|de verdad))?"
    r"|ser humano|servicio al cliente|atencion al cliente|ejecutiv[oa]|encargad[oa]|supervisora?"
    r"|gerente)",
}
_RULES: tuple[tuple[str, Language], ...] = (
    # "agent", "a real person please", "customer service"
    (r"{A}{PERSON}", "en"),
    (r"(?:agent|human|person|representative)(?: (?:agent|human|person|representative))+", "en"),
    # "can I talk to someone", "I want to speak with a manager", "talk to a human"
    (r"(?:{WANT} )?(?:please )?{TALK} {TO} (?:{A}{PERSON}|{A}{OTHERS}|{ONE})", "en"),
    (r"(?:who|whom) (?:can|could|do|should) i {TALK}(?: {TO})?", "en"),
    # "I need a human", "get me a supervisor"
    (r"(?:i|we) (?:want|need|demand|would like|'?d like) {A}{PERSON}", "en"),
    (r"{GIVE} (?:{A}{PERSON}|{A}{OTHERS}|{ONE})", "en"),
    # "is there anyone I can talk to", "are there any humans there"
    (
        r"(?:is|are) there (?:{A}{PERSON}|{ONE})(?: (?:that |who )?(?:i|we) can {TALK}(?: {TO})?"
        r"| available| i could {TALK} {TO}| (?:that|who) can help(?: me)?)?",
        "en",
    ),
    # "can someone help me", "could somebody please call me"
    (
        r"(?:can|could|will|would) (?:{ONE}|{A}{PERSON}) (?:please |just )?(?:help|assist|answer"
        r"|call|text|contact|reply to|respond to|get back to|talk to|speak to|speak with)"
        r"(?: (?:me|us))?(?: back)?(?: with (?:this|that|it|my order|my return|my refund))?",
        "en",
    ),
    (r"have (?:{ONE}|{A}{PERSON}) (?:call|text|contact|help) me(?: back)?", "en"),
    # "I don't want to talk to a robot"
    (
        r"i (?:do not|don'?t|dont) (?:want|wanna|like) to {TALK} {TO} (?:an? |the |your )?"
        r"(?:ro)?(?:bots?|machine|computer|ai|robots?)",
        "en",
    ),
    # "agente", "una persona real por favor"
    (r"{UN}{PERSONA}", "es"),
    # "quiero hablar con alguien", "puedo hablar con una persona"
    (
        r"(?:(?:yo )?(?:quiero|quisiera|necesito|deseo|prefiero|puedo|podria|me gustaria|como puedo"
        r"|es posible) )?(?:hablar|chatear|comunicarme|conversar) {UN}{PERSONA}",
        "es",
    ),
    (r"(?:quiero|necesito|quisiera) (?:a )?{UN}{PERSONA}", "es"),
    # "me comunica con un agente", "paseme con alguien"
    (
        r"(?:me (?:puede[ns]?|podrian?) )?(?:me )?(?:comunic|pas|pong|transfier|conect)\w*"
        r" {UN}{PERSONA}",
        "es",
    ),
    # "hay alguien que me ayude", "alguien me puede ayudar"
    (
        r"hay alguien(?: (?:ahi|disponible|que (?:me )?(?:pueda )?(?:ayude|ayudar(?:me)?"
        r"|responda|conteste)))?",
        "es",
    ),
    (r"(?:alguien|una persona) (?:me )?(?:puede|podria) (?:ayudar|llamar|contestar)(?:me)?", "es"),
    (r"(?:me )?(?:puede|podria) (?:ayudar|llamar|atender)(?:me)? (?:alguien|una persona)", "es"),
    (r"no quiero hablar con (?:un |una )?(?:robot|maquina|bot|computadora)", "es"),
)
_LONGEST = 300  # characters: a buyer's story is for people anyway
_HINT = re.compile(
    r"human|person|people|agent|\brep|operator|customer|support|someone|somebody|any(?:one|body)"
    r"|manager|supervisor|staff|bot|machine|computer|\bai\b|associate|specialist|advis|employee"
    r"|who|alguien|asesor|atencion|servicio|encargad|ejecutiv|gerente|maquina|operador|team"
)
_CLAUSE_END = re.compile(r"[.!?;:\n\r()\"¿¡]+|,\s*|\s+-+\s+|\s+(?:but|pero)\s+")


def _compiled(pattern: str) -> re.Pattern[str]:
    whole = rf"(?:{{BEFORE}} )*(?:{pattern})(?: {{AFTER}})*"
    return re.compile(re.sub(r"\{([A-Z_]+)\}", lambda part: f"(?:{_PARTS[part[1]]})", whole))


_COMPILED = tuple((_compiled(pattern), language) for pattern, language in _RULES)
# The parts alone are no answer: "a", "someone" after "who has it?".
_ALONE = frozenset(["people", "persons", "humans", "alguien", "personas"])


def asks_for_human(text: str) -> Language | None:
    """The language in which `text` (as `fold.plain` gives it) asks for a person, or None."""
    if len(text) > _LONGEST or not _HINT.search(text):
        return None
    for clause in _CLAUSE_END.split(text):
        bare = " ".join(re.sub(r"[^\w' ]+", " ", clause).split())
        if not bare or bare in _ALONE:
            continue
        for pattern, language in _COMPILED:
            if pattern.fullmatch(bare):
                return language
    return None
