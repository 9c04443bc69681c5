"""Does the buyer ask why we text, or whence we have the number? Then the consent receipt is due.

Called by `understand`. WHY as a whole message is the word that the receipt is advertised by; free
questions count if they ask about the text, the number or the signing up, not about an order.
"""

from __future__ import annotations

import re

from app.understanding.shortlist import Shortlist

# Words that play the same part; a rule names them as {PART}.
_PARTS = {
    "HELLO": r"hi |hey |um |uh |ok |and |but |wait |so |hello |sorry |excuse me ",
    "WHY": r"why|how come|what for|for what reason",
    "THEM": r"you|u|ya|y'?all|they|this|it|i|we|someone|a store|your company|your store",
    "STILL": r"guys|people|just|even|suddenly|keep|still|company|store|shop|texts?",
    "TEXTING": r"text(?:ing|ed)?|txt(?:ing)?|messag(?:e|ed|ing)|contact(?:ing|ed)?|writ(?:e|ing)"
    r"|sms",
    "I_GET": r"(?:am |m |i'?m )?(?:i )?"
    r"(?:getting|receiving|get|got|receive|received|been sent|being sent)",
    "THESE": r"this|these|it|texts?|messages?|a text|that|your|the|so many",
    "A_TEXT": r"texts?|messages?|text message|msgs?|sms",
    "FROM_YOU": r"from (?:you|u|this number|y'?all)",
    "ABOUT": r" this| now| for| about this| from this number| here",
    "WHENCE": r"who|where|how|from where|from whom",
    "DID": r"'?d| did| do| does| have|'?s| has| is| gave| told",
    "WHOEVER": r"you|u|ya|y'?all|they|she|he|gave|give|did|find|got|even|people|guys|sold|the|this"
    r"|store|company|shared|provided|have|had",
    "OBTAIN": r"get|got|find|found|obtain(?:ed)?|have|has|receive|gave|given|give|sold|shared"
    r"|provided|come by|gotten|know|buy|acquire",
    "HOLD": r"you|u|hold of|a hold of|to|them|out|out your|y'?all",
    "NUMBER": r"number|#|phone|cell|info|information|contact|details|digits|data|mobile",
    "SIGN_UP": r"sign(?:ed)? up|agree(?:d)?|consent(?:ed)?|opt(?:ed)? in|subscribe(?:d)?"
    r"|give (?:you )?(?:permission|consent|my number)|register|enroll",
    "TO_TEXTS": r"this|these|that|it|texts?|get texts?|receive (?:texts?|messages?)|you|your texts"
    r"|text messages|getting texts?|be texted|messages|sms|the texts",
    "WHO_IS": r"who(?:'?s| is| are| r| am i)?",
    "IT_IS": r"this|dis|you|u|texting(?: me)?|talking to|texting with",
    "POR_QUE": r"por ?que|xq|pq|para que|a que se debe que|como es que|pourquoi",
    "ME": r"m |me |nous |m'|vous m'|vous |estoy |sigo |j'? ?e?",
    "ESCRIBEN": r"escrib\w+|mand\w+|envi\w+|text\w+|contact\w+|recib\w+|lleg\w+|m?ecri\w+"
    r"|m?envoy\w+|recois",
    "ESTO": r"estos?|esto|un|sus|este|mensajes?|textos?|a mi|ustedes|tantos|me|ces|messages|des",
    "DE_DONDE": r"de donde|como|quien|quienes|donde|d'? ?ou|comment|qui",
    "SACARON": r"sac\w+|obtuv\w+|consigui\w+|tien\w+|dio|dieron|encontr\w+|obtien\w+|agarr\w+|eu"
    r"|avez|donne|obtenu|trouve",
    "NUMERO": r"numero|telefono|celular|datos|info",
}
_RULES = {
    "the word": r"^[\W_]*why[\W_]*$",
    "why these texts": r"^{HELLO}*,? ?{WHY}(?: \w+)? (?:(?:are|r|youre|ur|did|do|is|was|would|keep"
    r"|does) )?(?:{THEM} )?(?:{STILL} )*(?:{TEXTING}|{I_GET} {THESE}(?: {A_TEXT})?(?: {FROM_YOU})?)"
    r"(?: ?me| ?us| ?to me)?{ABOUT}?[\s?!.]*$",
    "who gave the number": r"\b{WHENCE}{DID}?(?: {WHOEVER})* {OBTAIN}(?: {HOLD})* "
    r"(?:my|this|our|the) (?:\w+ )?{NUMBER}\b",
    "why the number": r"\bwhy (?:do|does|did|would) (?:you|u|they|y'?all)(?: guys)? (?:have|got"
    r"|need|keep|save) (?:my|this) (?:\w+ )?(?:number|phone|cell|info|information|data|contact)\b",
    "signed up": r"\b(?:did|when|where|how|have|what)(?: (?:did|have|do|exactly))? i (?:ever )?"
    r"(?:even )?{SIGN_UP}(?: (?:for|to|with|up))*(?: {TO_TEXTS})?[\s?!.]*$",
    "who is this": r"^(?:hi|hey|hello|sorry|um|ok)?,? ?(?:{WHO_IS} {IT_IS}|who this|who dis"
    r"|quien es|quien eres|new phone,? who(?:'?s| is)? (?:this|dis))[\s?!.]*$",
    "por que": r"\b{POR_QUE}(?: \w+)? {ME}*{ESCRIBEN}(?: {ESTO})*[\s?!.]*$",
    "de donde": r"\b{DE_DONDE}(?: \w+){0,3}? {SACARON}(?: \w+){0,2} (?:mi|este|mon) {NUMERO}",
}
_LONGEST = 200  # characters: whoever asks this asks little else


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{([A-Z_]+)\}", lambda part: f"(?:{_PARTS[part[1]]})", pattern))


_COMPILED = tuple((name, _compiled(pattern)) for name, pattern in _RULES.items())
_SHORTLIST = Shortlist(pattern for _, pattern in _COMPILED)


def asks_why(text: str) -> str | None:
    """The rule by which `text` (as `fold.plain` gives it) asks for the receipt, or None."""
    if len(text) > _LONGEST:
        return None
    text = re.sub(r"[¿¡']", "", text).strip()
    tried = (_COMPILED[number] for number in _SHORTLIST.worth_trying(text))
    return next((name for name, pattern in tried if pattern.search(text)), None)
