"""Opt-out, opt-in and help by words: what the carriers obey, and what plainly revokes."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.understanding.keywords import How, Keyword, KeywordKind, classify

CARRIER_OPT_OUTS = [
    "STOP",
    "UNSUBSCRIBE",
    "END",
    "QUIT",
    "STOPALL",
    "REVOKE",
    "OPTOUT",
    "CANCEL",
    "OPT OUT",
    "OPT-OUT",
    "STOP ALL",
]


@pytest.mark.parametrize("word", CARRIER_OPT_OUTS)
@pytest.mark.parametrize(
    "form", ["{}", " {}. ", "{}!!!", "\u200b{}\ufeff", "'{}'", "{} 🙏🏽", "*{}*"]
)
def test_the_stop_family_is_obeyed_as_carriers_obey_it(word: str, form: str) -> None:
    for text in (form.format(word), form.format(word.lower()), form.format(word.title())):
        assert classify(text) == Keyword(KeywordKind.OPT_OUT, How.CARRIER_KEYWORD)


@pytest.mark.parametrize(
    ("text", "kind", "how"),
    [
        ("START", KeywordKind.OPT_IN, How.CARRIER_KEYWORD),
        ("unstop.", KeywordKind.OPT_IN, How.CARRIER_KEYWORD),
        ("Yes!", KeywordKind.OPT_IN, How.YES),
        ("HELP", KeywordKind.HELP, How.CARRIER_KEYWORD),
        ("help?", KeywordKind.HELP, How.CARRIER_KEYWORD),
        ("Info", KeywordKind.HELP, How.CARRIER_KEYWORD),
        ("ＳＴＯＰ", KeywordKind.OPT_OUT, How.CARRIER_KEYWORD),
        ("stop\ufe0f", KeywordKind.OPT_OUT, How.CARRIER_KEYWORD),
    ],
)
def test_opt_in_and_help_words(text: str, kind: KeywordKind, how: How) -> None:
    assert classify(text) == Keyword(kind, how)


REVOCATIONS = """
please stop
Stop please
STOP PLEASE
Stop. Thank you
Stop!! Thanks.
pls stop
stop now
Just stop
stop stop stop
STOPPPP
stop texting me
Please stop texting me.
Can you stop texting me?
Could you please stop messaging this number
stop sending me texts
stop sending these messages
Stop sending me text messages please
stop all texts
stop the texts
Stop with the messages already
quit texting me
stop contacting me
stop bothering me
STOP SPAMMING ME!!!
I said stop texting me
Hi, please stop texting me. Thank you
do not text me again
Don’t text me
dont text me anymore
Don't ever text me again
never text me again
do not contact me
Please don't contact me again
don't send me any more messages
no more texts
No more messages please
unsubscribe me
Please unsubscribe
unsubscribe please
I want to unsubscribe
I'd like to unsubscribe from these texts
How do I unsubscribe?
how do i opt out
opt me out
I would like to opt out
Opt out of texts please
I want to opt out of these messages
remove me
remove me from your list
Please remove me from this list
Remove my number
Please remove my number from your system
take me off your list
Take me off this list please!
take my number off your list
delete my number
lose my number
Get me off this list
leave me alone
I don't want these texts
I do not want to receive text messages from you
i dont want any more texts
I no longer wish to receive texts
I don't want to be contacted
I revoke my consent
end these texts
cancel texts
Reply STOP
stop to opt out
It arrived fine. Please stop texting me.
Wrong order. Remove me from your list.
ARRÊT
""".strip().splitlines()


@pytest.mark.parametrize("text", REVOCATIONS)
def test_plain_revocations_are_opt_outs(text: str) -> None:
    assert classify(text) == Keyword(KeywordKind.OPT_OUT, How.FREE_TEXT)


ORDINARY = """
no
No.
n
nope
Yes please
yes it did
yes thanks
Yep, got it. Haven't tried it on yet.
stop by the store
I'll stop by the store tomorrow
Can I stop by to exchange it?
it won't stop squeaking
The zipper doesn't stop at the top
The drawer stops halfway
please don't stop making these
Don't stop texting me, this is great
Stop it, that is so kind
Stop, you're too kind
why did you stop texting me
Did you stop sending the catalogue?
My dog won't stop barking at it
cancel my order
Cancel the order please
please cancel
cancel please
I want to cancel my order
Can I cancel one item?
cancel my subscription
the end table arrived
The end is frayed
end of the week works
It ended up fine
start a return please
How do I start a return
help me
can someone help me?
I need help with the size
I need info on returns
remove the tag?
Can I remove the label without damage
take it off
Should I take off the cover?
remove one item from my order
delete my account
don't text me the code, email it
Text me when it ships
Text me again tomorrow
no text came
I never got a text message
Don't send me the same size again
do not send a replacement
please stop the shipment
stop the delivery
Stop the replacement from shipping
stop sending me the wrong size
stop everything, wrong address
Delete my information from your site
Can you send it to my mom, I don't want it
I don't want these
I don't want these anymore
leave it at the door
leave me a note
The alert light stays on
I opted for the blue one
opt for store credit
my number is 5
I quit smoking because of you
no more sizes?
No more tears, it fits
The list price was lower
the unsubscribe link in your email is broken
unsubscribe me from the newsletter emails only
Thanks!
ok
👍

🙏
""".strip("\n").splitlines()


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_delivery_talk_is_no_keyword(text: str) -> None:
    assert classify(text) is None


@given(st.text(max_size=300))
def test_any_text_at_all_is_classified_without_error(text: str) -> None:
    classify(text)


@given(st.sampled_from(CARRIER_OPT_OUTS), st.text(" .!?…\u200b\ufeff👍🙏", max_size=6))
def test_decoration_never_hides_a_keyword(word: str, decoration: str) -> None:
    found = classify(decoration + word + decoration)
    assert found is not None and found.kind is KeywordKind.OPT_OUT


@given(st.sampled_from(REVOCATIONS), st.sampled_from([str.upper, str.lower, str.title]))
def test_case_does_not_matter(text: str, change: object) -> None:
    assert classify(change(text)) is not None  # type: ignore[operator]


def test_classifying_is_quick_even_on_hostile_text() -> None:
    hostile = [
        "stop " * 80,
        "please " * 60 + "x",
        "no more " * 50,
        "the these this " * 26,
        "text " * 400,
        "don't text me " * 28 + "x",
    ]
    for text in hostile:
        start = time.perf_counter()
        classify(text)
        assert time.perf_counter() - start < 0.05
