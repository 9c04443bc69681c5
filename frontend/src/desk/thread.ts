/* What the server tells of one thread, as `GET /api/desk/thread` answers. Times are ISO 8601 UTC. */

export type MessageState =
  | "queued" | "sending" | "accepted" | "sent" | "delivered"
  | "undelivered" | "failed" | "unknown" | "held" | "received";

export type Ability = "reply" | "opt_out" | "take_over" | "hand_back" | "resolve" | "reopen";

export interface Photo {
  id: number;
  /** Signed, good for some minutes, only of a stored one; later readings bring fresh ones. */
  url: string | null;
  content_type: string;
  state: "stored" | "loading" | "missing";
}

export interface Message {
  id: number;
  at: string;
  author: "contact" | "assistant" | "agent" | "system";
  author_name: string | null;
  body: string;
  direction: "in" | "out";
  state: MessageState;
  reason: string | null;
  segments: number;
  photos: Photo[];
}

export interface Buyer {
  name: string | null;
  first_name: string | null;
  phone: string;
  phone_shown: string;
  shared_phone: boolean;
  local_time: string | null;
  local_zone: string | null;
  place: string | null;
}

export interface Consent {
  state: "granted" | "opted_out" | "none";
  since: string | null;
  source: string | null;
  wording: string | null;
  evidence_id: string | null;
  may_text: { verdict: "yes" | "no" | "later"; until: string | null; words: string };
}

export interface Clock {
  open: boolean;
  opens_at: string | null;
  closes_at: string | null;
  words: string;
}

export interface Line {
  title: string;
  variant: string | null;
  options: Record<string, string>;
  sku: string | null;
  quantity: number;
  image_url: string | null;
}

export interface Parcel {
  carrier: string | null;
  number: string | null;
  url: string | null;
  state: "on_the_way" | "arrived" | "problem";
  words: string;
  at: string | null;
}

export interface Order {
  name: string;
  placed_at: string;
  status: string;
  total: string;
  admin_url: string | null;
  status_page_url: string | null;
  lines: Line[];
  parcels: Parcel[];
}

export interface OtherOrder {
  name: string;
  placed_at: string;
  total: string;
}

export interface Promised {
  id: number;
  words: string;
  due_at: string;
  state: "open" | "kept" | "broken" | "released";
}

export interface Draft {
  id: number;
  text: string;
  made_at: string;
}

export interface SavedReply {
  id: number;
  title: string;
  /** With its variables filled in; those that could not be are named in `missing`. */
  text: string;
  missing?: string[];
}

export interface Thread {
  conversation_id: number;
  state: "open" | "snoozed" | "resolved";
  handled_by: "assistant" | "agent";
  waiting_since: string | null;
  urgent: boolean;
  turn: number;
  buyer: Buyer;
  consent: Consent;
  clock: Clock;
  messages: Message[];
  more: boolean;
  order: Order | null;
  other_orders: OtherOrder[];
  promises: Promised[];
  draft: Draft | null;
  summary: string | null;
  saved_replies: SavedReply[];
  abilities: Ability[];
}

export interface Estimate {
  segments: number;
  encoding: "GSM-7" | "UCS-2";
  characters: number;
  texts: number;
  cost: string | null;
}
