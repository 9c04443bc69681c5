"""Does the buyer ask why we text, or whence we have the number? Then the consent receipt is due.

Called by `understand`. WHY as a whole message is the word that the receipt is advertised by; free
questions count if they ask about the text, the number or the signing up, not about an order.
"""

from __future__ import annotations

import re

from app.understanding.shortlist import Shortlist

_RULES = {
    "the word": r"^[\W_]*why[\W_]*$",
    "why these texts": r"^(?:hi |hey |um |uh |ok |and |but |wait |so |hello |sorry "
    r"|excuse me )*,? ?(?:why|how come|what for|for what reason)(?: \w+)? "
    r"(?:(?:are|r|youre|ur|did|do|is|was|would|keep|does) )?(?:(?:you|u|ya|y'?all|they|this|it|i"
    r"|we|someone|a store|your company|your store) )?"
    r"(?:(?:guys|people|just|even|suddenly|keep|still|company|store|shop|texts?) )*"
    r"(?:text(?:ing|ed)?|txt(?:ing)?|messag(?:e|ed|ing)|contact(?:ing|ed)?|writ(?:e|ing)|sms|"
    r"(?:am |m |i'?m )?(?:i )?(?:getting|receiving|get|got|receive|received|been sent"
    r"|being sent) (?:this|these|it|texts?|messages?|a text|that|your|the|so many)"
    r"(?: (?:texts?|messages?|text message|msgs?|sms))?(?: from (?:you|u|this number"
    r"|y'?all))?)(?: ?me| ?us| ?to me)?(?: this| now| for| about this| from this number"
    r"| here)?[\s?!.]*$",
    "who gave the number": r"\b(?:who|where|how|from where|from whom)(?:'?d| did| do| does| have"
    r"|'?s| has| is| gave| told)?"
    r"(?: (?:you|u|ya|y'?all|they|she|he|gave|give|did|find|got|even|people|guys|sold|the|this"
    r"|store|company|shared|provided|have|had))* "
    r"(?:get|got|find|found|obtain(?:ed)?|have|has|receive|gave|given|give|sold|shared|provided"
    r"|come by|gotten|know|buy|acquire)"
    r"(?: (?:you|u|hold of|a hold of|to|them|out|out your|y'?all))* "
    r"(?:my|this|our|the) (?:\w+ )?(?:number|#|phone|cell|info|information|contact|details|digits"
    r"|data|mobile)\b",
    "why the number": r"\bwhy (?:do|does|did|would) (?:you|u|they|y'?all)(?: guys)? (?:have|got"
    r"|need|keep|save) (?:my|this) (?:\w+ )?(?:number|phone|cell|info|information|data|contact)\b",
    "signed up": r"\b(?:did|when|where|how|have|what)(?: (?:did|have|do"
    r"|exactly))? i (?:ever )?(?:even )?(?:sign(?:ed)? up|agree(?:d)?|consent(?:ed)?|opt(?:ed)? in"
    r"|subscribe(?:d)?|give (?:you )?(?:permission|consent|my number)|register|enroll)"
    r"(?: (?:for|to|with|up))*(?: (?:this|these|that|it|texts?|get texts?|receive (?:texts?"
    r"|messages?)|you|your texts|text messages|getting texts?|be texted|messages|sms"
    r"|the texts))?[\s?!.]*$",
    "who is this": r"^(?:hi|hey|hello|sorry|um|ok)?,? ?(?:who(?:'?s| is| are| r| am i)? (?:this"
    r"|dis|you|u|texting(?: me)?|talking to|texting with)|who this|who dis|quien es|quien eres"
    r"|new phone,? who(?:'?s| is)? (?:this|dis))[\s?!.]*$",
    "por que": r"\b(?:por ?que|xq|pq|para que|a que se debe que|como es que"
    r"|pourquoi)(?: \w+)? (?:m |me |nous |m'|vous m'|vous |estoy |sigo |j'? ?e?)*(?:escrib\w+"
    r"|mand\w+|envi\w+|text\w+|contact\w+|recib\w+|lleg\w+|m?ecri\w+|m?envoy\w+|recois)"
    r"(?: (?:estos?|esto|un|sus|este|mensajes?|textos?|a mi|ustedes|tantos|me|ces|messages"
    r"|des))*[\s?!.]*$",
    "de donde": r"\b(?:de donde|como|quien|quienes|donde|d'? ?ou|comment"
    r"|qui)(?: \w+){0,3}? (?:sac\w+|obtuv\w+|consigui\w+|tien\w+|dio|dieron|encontr\w+|obtien\w+"
    r"|agarr\w+|eu|avez|donne|obtenu|trouve)(?: \w+){0,2} (?:mi|este|mon) (?:numero|telefono"
    r"|celular|datos|info)",
}
_LONGEST = 200  # characters: whoever asks this asks little else
_COMPILED = tuple((name, re.compile(pattern)) for name, pattern in _RULES.items())
_SHORTLIST = Shortlist(pattern for _, pattern in _COMPILED)


def asks_why(text: str) -> str | None:
    """The rule by which `text` (as `fold.plain` gives it) asks for the receipt, or None."""
    if len(text) > _LONGEST:
        return None
    text = re.sub(r"[¿¡']", "", text).strip()
    tried = (_COMPILED[number] for number in _SHORTLIST.worth_trying(text))
    return next((name for name, pattern in tried if pattern.search(text)), None)
