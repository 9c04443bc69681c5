/* What became of a text, as a tick and a word. The carrier's news come late and in steps, so the
   words never promise more than is known: "sent" has left, "delivered" has been confirmed. */

import type { Message, MessageState } from "./thread";
import type { TextKey } from "./texts";

export type Tick = "clock" | "one" | "two" | "bad" | "doubt" | "none";

const LOOKS: Record<MessageState, [Tick, TextKey]> = {
  held: ["clock", "state_held"],
  queued: ["clock", "state_queued"],
  sending: ["clock", "state_sending"],
  accepted: ["one", "state_accepted"],
  sent: ["one", "state_sent"],
  delivered: ["two", "state_delivered"],
  undelivered: ["bad", "state_undelivered"],
  failed: ["bad", "state_failed"],
  unknown: ["doubt", "state_unknown"],
  received: ["none", "state_received"],
};

export interface Delivery {
  tick: Tick;
  words: TextKey;
  /** Somebody should look at this one. */
  wrong: boolean;
}

export function deliveryOf(message: Pick<Message, "state">): Delivery {
  // A state that this page does not know yet is one that nobody should be sure of.
  const [tick, words] = LOOKS[message.state] ?? LOOKS.unknown;
  return { tick, words, wrong: tick === "bad" || tick === "doubt" };
}
