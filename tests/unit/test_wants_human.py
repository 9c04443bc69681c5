"""Who asks for a person is heard; whoever only speaks of one is not."""

from __future__ import annotations

import pytest

from app.understanding.understand import understand

ENGLISH = [
    "agent", "AGENT!!!", "Agent please", "human", "a human please", "real person", "representative",
    "rep", "operator", "live agent", "customer service", "agent agent agent", "person",
    "can I talk to a person", "Can I talk to a person?", "can i please speak to someone",
    "could I speak with a manager please", "speak to a human", "talk to a real person",
    "I want to talk to a human", "I'd like to speak to a representative", "let me talk to an agent",
    "i need a human", "I need a real person now", "get me a supervisor", "connect me with an agent",
    "Can you transfer me to a live agent?", "put me through to customer service",
    "is there a real person there?", "Is there anyone I can talk to?", "can someone help me?",
    "Could somebody please call me", "can someone help me with my order", "have someone call me",
    "who can I talk to?", "I don't want to talk to a bot", "i dont want to talk to a robot",
    "This is useless. Human!", "The zip broke, can I talk to someone?", "hi, agent",
    "no, I want to speak to a person", "sorry but can I speak to a human",
    "Can I speak to someone about my return?",
]  # fmt: skip
SPANISH = [
    "agente", "Una persona por favor", "quiero hablar con una persona",
    "¿Puedo hablar con alguien?",
    "necesito hablar con un agente", "hablar con un humano", "me puede comunicar con un asesor",
    "¿Hay alguien que me pueda ayudar?", "alguien me puede ayudar", "necesito un agente",
    "no quiero hablar con un robot", "quisiera hablar con servicio al cliente",
]  # fmt: skip
LOOK_ALIKES = [
    "I'm a travel agent", "travel agent", "my travel agent booked it", "the human foot is wide",
    "It fits the human foot well", "the cleaning agent leaked", "a person could fit two of them in",
    "the delivery person left it outside", "I talked to an agent yesterday", "one person",
    "I spoke to a person at UPS", "can I talk to someone at UPS", "my real estate agent loved it",
    "are you a human?", "are you a bot", "is this a real person?", "who is this",
    "someone stole it", "No bots. No people. No texts.",
    "can someone sign for it?", "somebody took it", "it needs more arch support", "I need support",
    "great customer service!", "your customer service is great", "they have the best support team",
    "I need someone to hem these", "I don't need to talk to a person", "no need to talk to a human",
    "I want to talk to my husband first", "speak to you soon", "let me talk to my wife",
    "people love it", "people", "the agent at the depot was rude", "human hair wig",
    "it's for another person",
    "I want the personalised one", "my rep said it ships Monday", "para otra persona",
    "la persona que lo entrego fue amable", "alguien lo robo", "alguien", "el agente de viajes",
    "es para una persona alta", "Yep, got it", "STOP", "help", "",
]  # fmt: skip


@pytest.mark.parametrize("text", ENGLISH)
def test_asked_in_english(text: str) -> None:
    assert understand(text).wants_human == "en"


@pytest.mark.parametrize("text", SPANISH)
def test_asked_in_spanish(text: str) -> None:
    assert understand(text).wants_human == "es"


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_only_spoken_of(text: str) -> None:
    assert understand(text).wants_human is None
