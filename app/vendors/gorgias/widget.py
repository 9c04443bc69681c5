"""What the widget beside a Gorgias ticket shows: plain words by the paths of `subscriptions.SHOWN`.

Read by the sidebar's door, which has proven the account. Only texts can be shown there (other parts
are not documented), so each fact is one line. One of them is a signed address of the desk, good for
an hour: a widget cannot hold a page of ours. A ticket that is not ours shows nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from app.desk.sessions import ThreadLink, thread_link
from app.foundation.db import Session

# The order that the thread is about, else the buyer's latest, as in the ticket's own note. Which
# tickets are this account's: as in `desk.seats`.
FACTS = """
SELECT c.id, a.subdomain, c.state, c.handled_by, p.opted_out_at, o.name AS order_name,
  o.financial_status,
  (SELECT json_build_object(
     'carrier', f.tracking_company, 'arrived', f.delivered_at IS NOT NULL,
     'on', to_char(f.delivered_at AT TIME ZONE s.timezone, 'DD Mon, HH24:MI'))
   FROM fulfillments f WHERE f.order_id = o.id ORDER BY f.id DESC LIMIT 1) AS parcel,
  (SELECT json_build_object('ours', m.direction = 'out', 'state', m.state)
   FROM messages m WHERE m.conversation_id = c.id ORDER BY m.id DESC LIMIT 1) AS last
FROM ticket_links l
JOIN helpdesk_accounts a ON a.id = l.account_id AND a.state = 'connected'
JOIN conversations c ON c.id = l.conversation_id
JOIN contacts p ON p.id = c.contact_id
JOIN shops s ON s.id = l.shop_id AND s.state = 'installed'
LEFT JOIN orders o ON o.id = coalesce(c.order_id, (
  SELECT x.id FROM orders x WHERE x.contact_id = c.contact_id
  ORDER BY x.placed_at DESC NULLS LAST LIMIT 1))
WHERE l.account_id = %s AND l.ticket_id = %s AND l.state <> 'gone'
  AND l.last_activity_at >= a.connected_at
ORDER BY l.id DESC LIMIT 1
"""
STATES = {"open": "Open", "snoozed": "Resting", "resolved": "Resolved"}
HOLDERS = {"assistant": "Doorstep", "agent": "Your team"}


def facts_of(
    session: Session,
    *,
    now: datetime,
    keys: Sequence[str],
    public_url: str,
    account_id: int,
    ticket_id: str,
) -> Mapping[str, str]:
    """By path; empty where nothing is known. `keys`: the ring's signing keys."""
    row = session.sql(FACTS, account_id, ticket_id).one_or_none()
    if row is None:
        return {}
    paid = (row.financial_status or "").replace("_", " ")
    facts = {
        "order": ", ".join(part for part in (row.order_name, paid) if part),
        "parcel": _parcel(row.parcel),
        "state": STATES.get(row.state, row.state),
        "handled_by": HOLDERS.get(row.handled_by, row.handled_by),
        "last_text": _last(row.last),
        "open": thread_link(
            keys, now=now, public_url=public_url, to=ThreadLink(account_id, row.subdomain, row.id)
        ),
        "texting": "They asked for no more texts" if row.opted_out_at else "Allowed",
    }
    return {path: words for path, words in facts.items() if words}


def _parcel(parcel: Mapping[str, object] | None) -> str:
    if parcel is None:
        return ""
    fate = f"arrived {parcel['on']}" if parcel["arrived"] else "on its way"
    return f"{parcel['carrier']}: {fate}" if parcel["carrier"] else fate[0].upper() + fate[1:]


def _last(last: Mapping[str, object] | None) -> str:
    if last is None:
        return ""
    return f"Ours, {last['state']}" if last["ours"] else "Theirs"
