"""Do phone, thread and tickets hold the same? Says all that does not agree, not the first thing.

Three records of one conversation are laid beside the books: what the phone was shown, our rows,
and the helpdesk's comments over all tickets of that buyer. White space is no difference.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults.agreement.house import House
from tests.faults.agreement.story import HELP_ANSWER, By, Said, Story

# What we add to a buyer's words about photos that came late, or not yet.
ABOUT_PHOTOS = re.compile(
    r"\((A photo|\d+ photos) came with this text and could not be loaded\.\)"
    r"|\(photo-\d+-\d+\.\w+ came with an earlier text and could be loaded only now\.\)"
)
LABEL = re.compile(r"(?:(\w+) via Doorstep|Doorstep):")
ROWS = """
SELECT p.phone, m.id, m.direction, m.author, m.author_name, m.body, m.state,
  (SELECT count(*) FROM media d WHERE d.message_id = m.id AND d.state = 'stored') AS photos
FROM messages m JOIN contacts p ON p.id = m.contact_id ORDER BY m.id
"""
STATES = """
SELECT p.phone, c.state, (SELECT l.state FROM ticket_links l WHERE l.conversation_id = c.id
  ORDER BY l.id DESC LIMIT 1) AS link_state,
  (SELECT l.wanted_state FROM ticket_links l WHERE l.conversation_id = c.id
  ORDER BY l.id DESC LIMIT 1) AS wanted,
  (SELECT count(*) FROM ticket_links l WHERE l.conversation_id = c.id
   AND l.state IN ('opening', 'open', 'solved')) AS live
FROM conversations c JOIN contacts p ON p.id = c.contact_id
"""
GIVEN_UP = """
SELECT topic, error FROM outbox WHERE failed_at IS NOT NULL
UNION ALL SELECT source || ':' || topic, error FROM receipts WHERE state = 'failed'
"""
# What may be given up while a helpdesk is down for longer than a job is tried; the poll makes good.
TIRED = re.compile(r"(Temporary|Unknowable): ")


def bare(text: str) -> str:
    return re.sub(r"\s", "", text)


def words_of_buyer(tickets: Sequence[dict[str, Any]]) -> str:
    """All that stands there in the buyer's name, without white space."""
    said = [
        ABOUT_PHOTOS.sub("", one["text"])
        for ticket in tickets
        for one in ticket["comments"]
        if one["public"] and one["author"]["role"] == "end-user"
    ]
    return bare("".join(said))


@dataclass
class Places:
    """Where each message of the books stands in one record: first and last position."""

    first: dict[int, int] = field(default_factory=dict)  # by id() of what was said
    last: dict[int, int] = field(default_factory=dict)

    def put(self, said: Said, at: int) -> None:
        self.first.setdefault(id(said), at)
        self.last[id(said)] = at

    def has(self, said: Said) -> bool:
        return id(said) in self.first

    def in_order(self, one: Said, other: Said) -> bool:
        """Also where one of them is missing, which is told elsewhere."""
        if not (self.has(one) and self.has(other)):
            return True
        return self.last[id(one)] <= self.first[id(other)]


class Eater:
    """Takes texts in the order of a record and finds out which message of the books each is."""

    def __init__(self, expected: Sequence[Said]) -> None:
        self._left = {id(one): bare(one.body) for one in expected}
        self._expected = list(expected)
        self.places = Places()

    def eat(self, text: str, at: int, *, in_turn: bool = False, name: str | None = None) -> str:
        """What is left of `text` once all messages that it begins with are taken off. `in_turn`:
        only in the order of the books; `name`: only that agent's."""
        text = bare(text)
        while text and (found := self._which(text, in_turn, name)) is not None:
            left = self._left[id(found)]
            taken = min(len(left), len(text))
            self._left[id(found)], text = left[taken:], text[taken:]
            self.places.put(found, at)
            if not self._left[id(found)]:
                self._expected.remove(found)
        return text

    def _which(self, text: str, in_turn: bool, name: str | None) -> Said | None:
        # One that was begun goes on; a message may fill many texts, or share one.
        begun = [one for one in self._expected if self.places.has(one)]
        for one in [*begun, *(one for one in self._expected if one not in begun)]:
            left = self._left[id(one)]
            if name in (None, one.name) and (text.startswith(left) or left.startswith(text)):
                return one
            if in_turn:
                return None
        return None

    def missing(self) -> list[Said]:
        return list(self._expected)


def compare(house: House, stories: Sequence[Story]) -> list[str]:
    """All problems, those of one buyer under their story."""
    with house.db.across_shops("test") as session:
        rows, states = session.sql(ROWS).all(), session.sql(STATES).all()
        given_up = session.sql(GIVEN_UP).all()
    problems = [
        f"given up: {row.topic} {row.error}" for row in given_up if not TIRED.match(row.error or "")
    ]
    house.counted["jobs given up in an outage"] = len(given_up) - len(problems)
    tickets = 0
    for story in stories:
        mine = [row for row in rows if row.phone == story.phone]
        state = next((row for row in states if row.phone == story.phone), None)
        one = _One(house, story, mine, state)
        tickets += len(one.tickets)
        if found := one.problems():
            problems.append("\n  - ".join([str(story), *found]))
    if house.side.how_many() != tickets:
        problems.append(
            f"the helpdesk holds {house.side.how_many()} tickets, buyers have {tickets}"
        )
    return problems


class _One:
    """One buyer's conversation on all sides."""

    def __init__(self, house: House, story: Story, rows: Sequence[Any], state: Any) -> None:
        self.house, self.story, self.rows, self.state = house, story, rows, state
        self.tickets = house.side.tickets_of(story.phone)
        self.found: list[str] = []

    def problems(self) -> list[str]:
        phone = self._phone()
        thread, theirs = self._thread(), self._tickets()
        self._order(phone, thread, theirs)
        self._states()
        return self.found

    def _wrong(self, problem: str) -> None:
        self.found.append(problem)

    # --- Each record beside the books

    def _phone(self) -> Places:
        """Every text for the buyer once, and nothing else."""
        shown = self.house.carrier.shown[self.story.phone]
        helped = [text.body for text in shown if text.body.startswith(HELP_ANSWER)]
        answers = list(self.story.of(By.SYSTEM))
        if len(helped) != len(answers):
            self._wrong(f"HELP was asked {len(answers)} times and answered {len(helped)} times")
        for said, body in zip(answers, helped, strict=False):
            said.body = body
        eater = Eater(list(self.story.of(By.TICKET, By.HERE, By.SYSTEM)))
        photos = 0
        for at, text in enumerate(shown):
            photos += len(text.media_urls)
            if eater.eat(text.body, at):
                self._wrong(f"the phone was texted what nobody wrote, or twice: {text.body!r}")
        for said in eater.missing():
            self._wrong(f"missing on the phone: {said}")
        sent = sum(said.photos for said in self.story.said if said.by is not By.BUYER)
        if photos != sent:
            self._wrong(f"agents sent {sent} photos, the phone has {photos}")
        return eater.places

    def _thread(self) -> Places:
        buyers, ours = self._eaters()
        for row in self.rows:
            if row.direction == "in":
                if row.author != "contact" or buyers.eat(row.body, row.id, in_turn=True):
                    self._wrong(f"our row {row.id} is not the buyer's next text: {row.body!r}")
                continue
            if row.state not in ("accepted", "sent", "delivered"):
                self._wrong(f"our text {row.id} is {row.state}")
            name = row.author_name or "" if row.author == "agent" else ""
            if ours.eat(row.body, row.id, name=name):
                self._wrong(f"our row {row.id} by {name} is nobody's: {row.body!r}")
        self._all_there("our rows", buyers, ours)
        counted = sum(row.photos for row in self.rows)
        if counted != (photos := sum(said.photos for said in self.story.said)):
            self._wrong(f"{photos} photos were sent, our rows hold {counted}")
        buyers.places.first |= ours.places.first
        buyers.places.last |= ours.places.last
        return buyers.places

    def _tickets(self) -> Places:
        buyers, ours = self._eaters(By.HERE, By.SYSTEM)
        agents = {said.comment_id: said for said in self.story.of(By.TICKET)}
        places, photos = Places(), 0
        for ticket in self.tickets:
            for one in ticket["comments"]:
                if not one["public"] or one["id"] in self.story.quiet:
                    continue
                if one["author"]["role"] == "end-user":
                    photos += len(one["attachments"])
                    left = buyers.eat(ABOUT_PHOTOS.sub("", one["text"]), one["id"], in_turn=True)
                elif one["id"] in agents:
                    places.put(agents.pop(one["id"]), one["id"])
                    continue
                else:
                    label = LABEL.match(one["text"])
                    words = one["text"][label.end() :] if label else one["text"]
                    name = label[1] or "" if label else "nobody"
                    left = ours.eat(words, one["id"], name=name)
                if left:
                    self._wrong(
                        f"comment {one['id']} of {one['author']['role']} is not the next text, or"
                        f" stands there twice: {one['text']!r}"
                    )
        self._all_there("the tickets", buyers, ours)
        for said in agents.values():
            self._wrong(f"missing in the tickets: {said}")
        sent = sum(said.photos for said in self.story.of(By.BUYER))
        if photos != sent:
            self._wrong(f"the buyer sent {sent} photos, the tickets hold {photos}")
        for more in (buyers.places, ours.places):
            places.first |= more.first
            places.last |= more.last
        return places

    def _eaters(self, *ours: By) -> tuple[Eater, Eater]:
        others = ours or (By.TICKET, By.HERE, By.SYSTEM)
        return Eater(self.story.texts_of_buyer()), Eater(list(self.story.of(*others)))

    def _all_there(self, where: str, *eaters: Eater) -> None:
        for eater in eaters:
            for said in eater.missing():
                self._wrong(f"missing in {where}: {said}")

    # --- The same order

    def _order(self, phone: Places, thread: Places, theirs: Places) -> None:
        """What somebody had before their eyes when they wrote stands before it on both sides, and
        each of a person's messages after that person's last one."""
        for text in self.story.texts_of_buyer():
            for said in self.story.of(By.TICKET, By.HERE, By.SYSTEM):
                if not phone.has(said) or phone.last[id(said)] >= text.texts_seen:
                    continue  # the buyer wrote before it came
                if not thread.in_order(said, text):
                    self._wrong(f"our rows show {text} before {said}, which it answers")
                if not self._answer_was_lost(said) and not theirs.in_order(said, text):
                    self._wrong(f"the tickets show {text} before {said}, which it answers")
        replies = list(self.story.of(By.TICKET))
        for reply in replies:
            for said in self.story.of(By.BUYER, By.HERE, By.SYSTEM):
                there = theirs.last.get(id(said))
                stood_there = there is not None and there < reply.comment_id
                if stood_there and not thread.in_order(said, reply):
                    self._wrong(f"our rows show {reply} before {said}, which stood there")
        for ticket_id in {one.ticket_id for one in replies}:
            self._in_a_row([one for one in replies if one.ticket_id == ticket_id], phone, thread)
        self._in_a_row(list(self.story.of(By.HERE)), phone, thread)

    def _in_a_row(self, said: Sequence[Said], *records: Places) -> None:
        for one, other in zip(said, said[1:], strict=False):
            for places in records:
                if not places.in_order(one, other):
                    self._wrong(f"wrong order: {one} stands after {other}")

    def _answer_was_lost(self, said: Said) -> bool:
        """Nobody knew yet that the phone had it."""
        texts = self.house.carrier.shown[self.story.phone]
        return any(
            bare(text.body) in bare(said.body)
            and (self.story.phone, text.body) in self.house.carrier.lost
            for text in texts
        )

    # --- The same state

    def _states(self) -> None:
        if not self.tickets or self.state is None:
            if self.story.said:
                self._wrong("no ticket, or no thread")
            return
        status = self.tickets[-1]["status"]
        ticket_is_done = status in self.house.side.closes
        thread_is_done = self.state.state == "resolved"
        link_is_done = self.state.link_state in ("solved", "closed")
        if not ticket_is_done == thread_is_done == link_is_done:
            self._wrong(
                f"the ticket is {status}, the thread {self.state.state}, the tie between them"
                f" {self.state.link_state}, our wish {self.state.wanted}"
            )
        must = self.story.must_be_done()
        if must and any(phone == self.story.phone for phone, _ in self.house.carrier.lost):
            must = None  # a note about a text that may not have come opens the ticket
        if must is not None and must is not ticket_is_done:
            self._wrong(f"the ticket is {status}; done: {must} is what people's acts come to")
        if self.state.live > 1:
            self._wrong(f"{self.state.live} live tickets for one thread")
        self.story.was_done, self.story.day = ticket_is_done, []
