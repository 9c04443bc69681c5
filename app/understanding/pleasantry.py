"""Thanks and goodbyes. Whoever says nothing else speaks neither of texts nor of danger.

Called by `opt_out` and `crisis` before anything is weighed: by its sound a bare “goodbye” is both.
A goodbye to everyone, or one said twice, is no courtesy to a shop.
"""

from __future__ import annotations

import re

_PLEASANTRY = re.compile(
    r"(?:(?:many |so |very )?(?:thanks?|thank (?:you|u|ya)|thx|thnx|tysm|ty|cheers|much appreciated"
    r"|appreciate it|please|pls|plz|bye|bye ?bye|goodbye|good (?:bye|night|day)|see (?:you|ya|u)"
    r"|take care|have a (?:good|nice|great) (?:one|day|night|weekend)"
    r"|(?:muchas |mil )?gracias|por favor|adios|buen dia|buenas noches|(?:merci|mille mercis)"
    r"|svp|au revoir|so much|very much|a lot|again|beaucoup|bien|all|guys|everyone|now)(?: |$))*"
)


def is_pleasantry(words: str) -> bool:
    """`words`: in lower case, without marks, one space between them."""
    return _PLEASANTRY.fullmatch(words) is not None


_TO_ALL = re.compile(r"\b(?:all|guys|everyone)\b|\b(?:good)?bye\b(?! bye\b).*\b(?:good)?bye\b")


def is_farewell(words: str) -> bool:
    """Whether a goodbye in these pleasantries sounds like one for good."""
    return "bye" in words and _TO_ALL.search(words) is not None
