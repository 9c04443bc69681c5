"""Which texts ask for the buyer's data or for its deletion, and which only sound like it."""

from __future__ import annotations

import pytest

from app.privacy.ask import Ask, Confirmation, read_ask

ERASE = (
    "delete my data", "Delete my data.", "Please delete all my data!", "DELETE MY INFORMATION",
    "can you delete my info please", "erase all of my personal information",
    "I want you to delete all the data you have on me",  # about, not "my"
    "delete everything you have about me", "erase everything you have on me",
    "remove my data from your system", "remove my details from your database",
    "I want my data deleted", "I would like my personal data to be erased",
    "Hi, please wipe my records. Thanks", "I want to be forgotten",
    "I want to exercise my right to be forgotten", "this is a deletion request",
    "how do I delete my data", "delete my data and stop texting me",
    "STOP and delete my data", "delete my personal info, thanks",
    "get rid of all my information", "could you erase my history",
    "ｄｅｌｅｔｅ my data", "I’d like to delete my data",
)  # fmt: skip
EXPORT = (
    "what do you know about me", "What do you know about me?", "what data do you have on me",
    "what information do you hold about me?", "which personal data do you store about me",
    "send me my data", "Please send me a copy of my data", "can I get a copy of my personal data",
    "I want to see my data", "show me my personal information",
    "I'd like a copy of all the information you have about me",
    "give me everything you have on me", "how can I download my data",
    "this is a data subject access request", "I request a copy of my personal information",
    "hey what info do you guys have on me",
)  # fmt: skip
BORRAR = (
    "borren mis datos", "Por favor borren todos mis datos", "elimina mis datos personales",
    "quiero que eliminen mis datos", "quiero borrar toda mi información",
    "borre mis datos por favor", "¿Pueden borrar mis datos?",
    "eliminen todo lo que tienen sobre mí",
)  # fmt: skip
MIS_DATOS = (
    "¿Qué saben de mí?", "que datos tienen sobre mi", "¿Qué información guardan de mí?",
    "envíenme mis datos", "mándame una copia de mis datos", "quiero ver mis datos",
    "quiero una copia de mis datos personales",
)  # fmt: skip
ORDINARY = (
    "", "delete", "data", "delete my order", "delete my card", "please delete my card info",
    "delete my account", "delete my number", "delete my photo", "did you delete my data?",
    "don't delete my data", "you deleted my info by mistake", "I deleted your last text",
    "send me my tracking info", "send me the info", "send me my order details",
    "send me my information", "can I get more info?", "what do you know about this jacket",
    "what information do you have about my order", "what do you have on sale",
    "delete my data plan, I said to my carrier", "how do I get my data off my old phone",
    "remove my address from the order", "delete my shipping details and use these",
    "my info is wrong, update it", "I forgot about me time lol", "forget it", "forget about it",
    "what size do you have me down for", "the data sheet says 10 inches", "I want my money back",
    "info", "Is my data safe?", "who has my data", "I got your details", "delete the second one",
    "no quiero que borren nada de mi pedido", "mis datos de envío cambiaron",
    "mándame los datos del envío", "¿qué tienen de mi talla?", "quiero borrar mi pedido",
    "DELETE 12345", "delete 1234567", "the code is 482913", "order 482913",
    "send me my data " + "x" * 400,
)  # fmt: skip


@pytest.mark.parametrize("text", ERASE)
def test_asks_to_be_deleted(text: str) -> None:
    assert read_ask(text) == Ask("erase", "en")


@pytest.mark.parametrize("text", EXPORT)
def test_asks_what_is_held(text: str) -> None:
    assert read_ask(text) == Ask("export", "en")


@pytest.mark.parametrize("text", BORRAR)
def test_asks_in_spanish_to_be_deleted(text: str) -> None:
    assert read_ask(text) == Ask("erase", "es")


@pytest.mark.parametrize("text", MIS_DATOS)
def test_asks_in_spanish_what_is_held(text: str) -> None:
    assert read_ask(text) == Ask("export", "es")


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_texts_ask_for_nothing(text: str) -> None:
    assert read_ask(text) is None


def test_whoever_asks_for_both_is_asked_before_anything_goes() -> None:
    assert read_ask("Send me my data. Then delete my data.") == Ask("erase", "en")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DELETE 482913", Confirmation("482913", "en")),
        ("delete 482913.", Confirmation("482913", "en")),
        ("Delete: 004217", Confirmation("004217", "en")),
        ("borrar 482913", Confirmation("482913", "es")),
    ],
)
def test_the_confirmation_is_the_word_and_the_code(text: str, expected: Confirmation) -> None:
    assert read_ask(text) == expected
