"""Buyers, agents and merchants at random, each act written into the books as it is done."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable
from io import BytesIO
from typing import Any

from PIL import Image

from app.conversations.holder import Changed
from app.conversations.reply import reply_as_agent
from app.conversations.resolve import reopen, resolve
from app.messaging.ports import MediaFile, SenderAccess
from tests.factories.world import ACCOUNT
from tests.faults.agreement.compare import bare, words_of_buyer
from tests.faults.agreement.house import House
from tests.faults.agreement.sides import File
from tests.faults.agreement.story import By, Done, Opened, Said, Story, Unsure, Wrote

WORDS = ("maple", "river", "copper", "lemon", "velvet", "pebble", "cedar", "amber", "willow")
BUYER_SAYS = (
    "The zip of the {w} bag sticks a little",
    "Is the {w} jacket meant to be this wide?\n\nThe sleeves are long too",
    "My {w} shoes rub at the heel 😟",
    "I <3 the {w} mug & the box, 5 > 4 if you ask me",
    "ok",
    "Perfect!",
)
AGENT_SAYS = (
    "So sorry about the {w} one! See https://example.com/{w}/label",
    "Happy to help with the {w} one. Could you send a photo?\n\nIt takes us a minute.",
    "A new {w} one is on its way 📦",
    "Thanks!",
    "ok",
)
NOTES = ("Ask the warehouse about {w}", "Thanks!", "She is a regular, {w} last time too")
AGENTS = ("priya", "priya", "marcus")


class People:
    def __init__(self, house: House) -> None:
        self.house, self.side, self.dice = house, house.side, house.dice
        self._numbers = itertools.count(1)
        self._acts: list[tuple[int, Callable[[Story], bool]]] = [
            (30, self.buyer_writes),
            (22, self.agent_replies),
            (8, self.two_quick_replies),
            (7, self.agent_notes),
            (9, self.agent_is_done),
            (4, self.agent_opens),
            (3, self.ticket_waits),
            (5, self.reply_from_here),
            (4, self.done_here),
            (3, self.opened_here),
            (2, self.buyer_asks_for_help),
            (3, self.closed_or_ruled),
            (2, self.merged),
        ]

    def act(self, story: Story) -> None:
        """One act at random; who has no ticket yet gets one by writing."""
        weights = [weight for weight, _ in self._acts]
        [(_, chosen)] = self.dice.choices(self._acts, weights)
        if not chosen(story):
            self.buyer_writes(story)
        self.house.counted["acts"] += 1
        self.house.hear()

    # --- Buyers

    def buyer_writes(self, story: Story) -> bool:
        body = self._words(BUYER_SAYS)
        photos = self.dice.choice((1, 1, 2)) if self.dice.random() < 0.12 else 0
        self._buyer_texts(story, body, photos)
        return True

    def buyer_asks_for_help(self, story: Story) -> bool:
        """Once, and not among many texts: automatic answers are few."""
        if any(story.of(By.SYSTEM)) or self.house.carrier.shown[story.phone]:
            return False
        self._buyer_texts(story, "HELP", 0)
        story.said.append(Said(By.SYSTEM, ""))
        return True

    def _buyer_texts(self, story: Story, body: str, photos: int) -> None:
        house = self.house
        seen = len(house.carrier.shown[story.phone])
        urls: list[str] = []
        if photos:
            access = SenderAccess(1, ACCOUNT, "", phone=house.at_hand.line)
            files = [MediaFile(picture(next(self._numbers)), "image/jpeg") for _ in range(photos)]
            came = house.carrier.receive(access, from_phone=story.phone, body=body, photos=files)
            urls = [one.url for one in came.media]
        answer = house.text(
            house.at_hand, body, sender=story.phone, sid=f"SM{secrets.token_hex(16)}", photos=urls
        )
        assert answer.status_code == 200, f"our door answered {answer.status}"
        story.said.append(Said(By.BUYER, body, photos=photos, texts_seen=seen))
        story.day.append(Wrote(len(story.texts_of_buyer())))
        self._tell(story, f"buyer texts {body!r} with {photos} photos, having {seen} texts")

    # --- Agents in the helpdesk

    def agent_replies(self, story: Story) -> bool:
        ticket = self._open_to_agents(story)
        if ticket is None:
            return False
        self._reply(story, ticket)
        return True

    def two_quick_replies(self, story: Story) -> bool:
        ticket = self._open_to_agents(story)
        if ticket is None:
            return False
        self._reply(story, ticket)
        self._reply(story, ticket)
        return True

    def _reply(self, story: Story, ticket: dict[str, Any]) -> None:
        number = int(ticket["id"])
        # The one whom our authorisation acts as may be a person too.
        author = "doorstep" if self.dice.random() < 0.06 else self.dice.choice(AGENTS)
        body = self._words(AGENT_SAYS)
        if author == "doorstep" and len(body) < 10:
            body = f"({self._next()}) {body}"
        if self.dice.random() < 0.03:
            body = "\n\n".join(f"{self._words(AGENT_SAYS)} Step {n}." for n in range(40))
        files = []
        if self.dice.random() < 0.06:
            files = [File("label.jpg", "image/jpeg", picture(next(self._numbers)))]
        comment_id = self.side.write(number, body, author=author, files=files)
        name = {"priya": "Priya", "marcus": "Marcus", "doorstep": "Doorstep"}[author]
        story.said.append(
            Said(By.TICKET, body, name, len(files), ticket_id=number, comment_id=comment_id)
        )
        if self.side.kind == "gorgias" and ticket["status"] == "closed":
            ticket["status"] = "open"  # as Gorgias does when somebody answers in it
            story.day.append(Opened(By.TICKET))
        self._tell(story, f"{author} replies in {number} ({comment_id}): {body[:60]!r}")

    def agent_notes(self, story: Story) -> bool:
        ticket = self._open_to_agents(story)
        if ticket is None:
            return False
        body = self._words(NOTES)
        author = self.dice.choice((*AGENTS, "doorstep"))
        comment_id = self.side.write(int(ticket["id"]), body, author=author, public=False)
        story.quiet[comment_id] = body
        self._tell(story, f"{author} notes in {ticket['id']} ({comment_id}): {body!r}")
        return True

    def agent_is_done(self, story: Story) -> bool:
        ticket = self._open_to_agents(story)
        if ticket is None or ticket["status"] in self.side.closes:
            return False
        self._put(story, ticket, self.side.closes[0])
        return True

    def agent_opens(self, story: Story) -> bool:
        ticket = self._open_to_agents(story)
        if ticket is None or ticket["status"] not in self.side.closes:
            return False
        self._put(story, ticket, "open")
        return True

    def ticket_waits(self, story: Story) -> bool:
        """Pending, which is open for us."""
        ticket = self._open_to_agents(story)
        if ticket is None or self.side.kind != "zendesk" or ticket["status"] != "open":
            return False
        self.side.put_status(int(ticket["id"]), "pending")
        self._tell(story, f"agent puts {ticket['id']} to pending")
        return True

    def closed_or_ruled(self, story: Story) -> bool:
        """Zendesk closes a solved ticket for good; a rule of Gorgias's answers by itself."""
        ticket = self._open_to_agents(story)
        if ticket is None:
            return False
        if self.side.kind == "zendesk":
            if ticket["status"] != "solved":
                return False
            self._put(story, ticket, "closed")
            return True
        body = f"We got your message {next(self._numbers)}"
        comment_id = self.side.write(int(ticket["id"]), body, author="priya", rule=True)
        story.quiet[comment_id] = body
        if ticket["status"] == "closed":
            story.day.append(Opened(By.TICKET))
        self._tell(story, f"a rule answers in {ticket['id']} ({comment_id}): {body!r}")
        return True

    def merged(self, story: Story) -> bool:
        ticket = self._open_to_agents(story)
        if ticket is None or not self.side.merges:
            return False
        body = f"What we wrote by e-mail {next(self._numbers)}"
        other, comment_id = self.side.open_other(int(ticket["requester"]["id"]), body)
        story.quiet[comment_id] = body
        self.side.merge(int(ticket["id"]), other)
        story.merged.add(int(ticket["id"]))
        story.day.append(Unsure("merged"))
        self._tell(story, f"agent merges {ticket['id']} into {other} ({comment_id})")
        return True

    def _open_to_agents(self, story: Story) -> dict[str, Any] | None:
        """The buyer's newest ticket, if agents can still do something there."""
        tickets = self.side.tickets_of(story.phone)
        if not tickets or tickets[-1]["status"] == self.side.gone_for_good:
            return None
        return tickets[-1]

    def _put(self, story: Story, ticket: dict[str, Any], status: str) -> None:
        seen = self._texts_seen(story)
        self.side.put_status(int(ticket["id"]), status)
        story.day.append(Opened(By.TICKET) if status == "open" else Done(By.TICKET, seen))
        self._tell(story, f"agent puts {ticket['id']} to {status}, seeing {seen} texts")

    def _texts_seen(self, story: Story) -> int:
        """How many of the buyer's texts stand in the tickets now."""
        left = len(words_of_buyer(self.side.tickets_of(story.phone)))
        count = 0
        for text in story.texts_of_buyer():
            left -= len(bare(text.body))
            if left < 0:
                break
            count += 1
        return count

    # --- On our side

    def reply_from_here(self, story: Story) -> bool:
        thread = self._thread(story)
        if thread is None:
            return False
        name = self.dice.choice(("Priya", "Noor"))
        body = f"({self._next()}) {self._words(AGENT_SAYS)}"
        house = self.house
        with house.db.shop(house.at_hand.id) as session:
            reply_as_agent(
                session,
                now=house.clock.now(),
                conversation_id=thread,
                body=body,
                agent_name=name,
                key=f"desk:{secrets.token_hex(8)}",
                written_by="staff:42",
            )
        story.said.append(Said(By.HERE, body, name))
        story.day.append(Unsure("a reply from here"))
        self._tell(story, f"{name} replies from here: {body!r}")
        return True

    def done_here(self, story: Story) -> bool:
        return self._set_here(story, resolve, Done(By.HERE, len(story.texts_of_buyer())))

    def opened_here(self, story: Story) -> bool:
        return self._set_here(story, reopen, Opened(By.HERE))

    def _set_here(self, story: Story, use_case: Any, mood: Done | Opened) -> bool:
        thread = self._thread(story)
        if thread is None:
            return False
        house = self.house
        with house.db.shop(house.at_hand.id) as session:
            outcome = use_case(
                session, now=house.clock.now(), conversation_id=thread, by="staff:42"
            )
        if not isinstance(outcome, Changed):
            return False
        story.day.append(mood)
        self._tell(story, f"{use_case.__name__} from here")
        return True

    def _thread(self, story: Story) -> int | None:
        with self.house.db.across_shops("test") as session:
            row = session.sql(
                "SELECT c.id FROM conversations c JOIN contacts p ON p.id = c.contact_id"
                " WHERE p.phone = %s",
                story.phone,
            ).one_or_none()
        return int(row.id) if row else None

    # --- Words

    def _words(self, choices: tuple[str, ...]) -> str:
        return self.dice.choice(choices).format(w=f"{self.dice.choice(WORDS)}-{self._next()}")

    def _next(self) -> int:
        return next(self._numbers)

    def _tell(self, story: Story, line: str) -> None:
        story.tell(f"{self.house.clock.now():%d %H:%M} {line}")


def picture(number: int) -> bytes:
    out = BytesIO()
    Image.new("RGB", (16 + number % 31, 16), (number % 256, 120, 90)).save(out, "JPEG")
    return out.getvalue()
