"""Slate as a helpdesk: the port's words into Slate's and back. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from app.foundation.errors import Permanent, Temporary, Unknowable
from app.helpdesk.ports import (
    Author,
    Comment,
    FileRef,
    HelpdeskAccess,
    HookSubscription,
    OpenedTicket,
    Priority,
    ReadComment,
    Requester,
    Routing,
    TicketClosed,
    TicketDraft,
    TicketGone,
    TicketHistory,
    TicketState,
    TicketStatus,
    WrittenComment,
)
from tests.contracts.slate.board import (
    PRIYA,
    ROBOT,
    Archived,
    Board,
    Busy,
    Card,
    Line,
    LineBroke,
    NoSuchCard,
)

VENDOR = "slate"
T = TypeVar("T")
STATES = {
    "open": TicketState.OPEN,
    "done": TicketState.SOLVED,
    "archived": TicketState.CLOSED,
}


class SlateHelpdesk:
    """Fulfils `helpdesk.ports.Helpdesk`."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def who_am_i(self, access: HelpdeskAccess) -> str:
        return self._ask(lambda board: ROBOT)

    def find_or_make_requester(self, access: HelpdeskAccess, requester: Requester) -> str:
        wanted = (requester.external_id, requester.phone, requester.email, requester.name)

        def work(board: Board) -> str:
            for place in range(3):  # by our id, else by phone, else by e-mail
                for number, known in board.people.items():
                    if wanted[place] is not None and known[place] == wanted[place]:
                        return number
            number = board.number()
            board.people[number] = wanted
            return number

        return self._ask(work)

    def find_ticket(self, access: HelpdeskAccess, external_id: str) -> OpenedTicket | None:
        def work(board: Board) -> OpenedTicket | None:
            found = [card for card in board.cards.values() if card.label == external_id]
            return opened(found[-1]) if found else None

        return self._ask(work)

    def open_ticket(self, access: HelpdeskAccess, draft: TicketDraft) -> OpenedTicket:
        def work(board: Board) -> OpenedTicket:
            if draft.follow_up_of and board.card(draft.follow_up_of).state != "archived":
                raise Permanent(VENDOR, "only an archived card is gone on from")
            return self._make(board, access, draft, (draft.first_comment,))

        return self._ask(work, writes=True)

    def import_ticket(self, access: HelpdeskAccess, history: TicketHistory) -> OpenedTicket:
        return self._ask(
            lambda board: self._make(board, access, history, history.comments), writes=True
        )

    def add_comment(
        self,
        access: HelpdeskAccess,
        ticket_id: str,
        comment: Comment,
        *,
        requester_id: str,
        tags: tuple[str, ...] = (),
        reopen: bool = False,
    ) -> WrittenComment:
        def work(board: Board) -> WrittenComment:
            card = board.card(ticket_id, to_change=True)
            card.labels += [tag for tag in tags if tag not in card.labels]
            line = self._write(board, card, comment, requester_id)
            card.state = "open" if reopen else card.state
            return WrittenComment(line.number)

        return self._ask(work, writes=True)

    def set_state(self, access: HelpdeskAccess, ticket_id: str, state: TicketState) -> None:
        def work(board: Board) -> None:
            done = state in (TicketState.SOLVED, TicketState.CLOSED)
            board.card(ticket_id, to_change=True).state = "done" if done else "open"

        self._ask(work)

    def route_ticket(self, access: HelpdeskAccess, ticket_id: str, routing: Routing) -> None:
        def work(board: Board) -> None:
            card = board.card(ticket_id, to_change=True)
            if routing.group_id or routing.assignee_id not in (None, PRIYA):
                raise Permanent(VENDOR, "nobody of that name is on this board")
            card.owner = routing.assignee_id or card.owner
            card.weight = routing.priority.value if routing.priority else card.weight
            card.labels += [label for label in routing.tags if label not in card.labels]

        self._ask(work)

    def remove_tag(self, access: HelpdeskAccess, ticket_id: str, tag: str) -> None:
        def work(board: Board) -> None:
            card = board.card(ticket_id, to_change=True)
            card.labels = [label for label in card.labels if label != tag]

        self._ask(work)

    def read_status(self, access: HelpdeskAccess, ticket_id: str) -> TicketStatus:
        card = self._ask(lambda board: board.card(ticket_id))
        return TicketStatus(
            card.number,
            STATES[card.state],
            card.label,
            card.moved_to,
            tuple(card.labels),
            Priority(card.weight) if card.weight else None,
        )

    def read_comments_since(
        self, access: HelpdeskAccess, ticket_id: str, comment_id: str | None
    ) -> Sequence[ReadComment]:
        lines = self._ask(lambda board: board.card(ticket_id).lines)
        return [comment_from(line) for line in lines if int(line.number) > int(comment_id or -1)]

    def fetch_file(self, access: HelpdeskAccess, url: str, *, max_bytes: int) -> bytes:
        content = self._ask(lambda board: board.files.get(url))
        if content is None or len(content) > max_bytes:
            raise Permanent(VENDOR, "not a file of this account, or too large")
        return content

    def subscribe(self, access: HelpdeskAccess, endpoint: str) -> HookSubscription:
        def work(board: Board) -> HookSubscription:
            known = [number for number, address in board.hooks.items() if address == endpoint]
            number = known[0] if known else board.number()
            board.hooks[number] = endpoint
            return HookSubscription(number, f"secret of {number}")

        return self._ask(work)

    def unsubscribe(self, access: HelpdeskAccess, webhook_id: str) -> None:
        self._ask(lambda board: board.hooks.pop(webhook_id, None))

    def _ask(self, work: Callable[[Board], T], *, writes: bool = False) -> T:
        """What Slate's refusals mean. A read is done again; what wrote may have been done."""
        try:
            return self._board.visit(work, writes=writes)
        except Busy as error:
            raise Temporary(VENDOR, "busy", status=429, retry_after=error.seconds) from None
        except LineBroke:
            raise Unknowable(VENDOR, "the line broke") from None
        except NoSuchCard:
            raise TicketGone(VENDOR, "the card is gone") from None
        except Archived:
            raise TicketClosed(VENDOR, "the card is archived") from None

    def _make(
        self,
        board: Board,
        access: HelpdeskAccess,
        wanted: TicketDraft | TicketHistory,
        comments: Sequence[Comment],
    ) -> OpenedTicket:
        for card in board.cards.values():
            if card.label == wanted.external_id:
                if card.made_of != wanted:
                    raise Unknowable(VENDOR, "made of another draft", code="other_draft")
                return opened(card)
        card = Card(board.number(), wanted.external_id, wanted, list(wanted.tags))
        board.cards[card.number] = card
        for comment in comments:
            self._write(board, card, comment, wanted.requester_id)
        card.born_with = len(card.lines)
        return opened(card)

    def _write(self, board: Board, card: Card, comment: Comment, requester_id: str) -> Line:
        names = ", ".join(one.filename for one in comment.files)
        return board.write(
            card,
            requester_id if comment.author is Author.CONTACT else ROBOT,
            "\n\n".join(comment.paragraphs) or names,
            open_to_all=comment.public,
            at=comment.at,
            files=tuple((one.filename, one.content_type, one.content) for one in comment.files),
        )


def opened(card: Card) -> OpenedTicket:
    return OpenedTicket(card.number, tuple(line.number for line in card.lines[: card.born_with]))


def comment_from(line: Line) -> ReadComment:
    return ReadComment(
        comment_id=line.number,
        public=line.open_to_all,
        by_staff=line.writer in (ROBOT, PRIYA),
        author_id=line.writer,
        author_name="Priya Shah" if line.writer == PRIYA else "Doorstep",
        text=line.words,
        created_at=line.at,
        files=tuple(FileRef(*file) for file in line.files),
    )
