/* What nearly every part of the desk needs, so that it is not handed through by hand. */

import { createContext, useContext } from "react";
import type { DeskApi } from "./api";
import type { Thread } from "./thread";
import type { Host } from "./zaf";

export interface Desk {
  api: DeskApi;
  /** Null on the page of a signed link. */
  host: Host | null;
  thread: Thread;
  /** Signs the texts; from Zendesk, else what the agent typed. */
  agentName: string;
  /** Absent where the helpdesk says who it is. */
  setAgentName?: (name: string) => void;
  /** The moment of the last reading, so that all ages on the page agree. */
  now: Date;
  /** Show the thread that a call answered with. */
  show(thread: Thread): void;
  /** Read the thread now. */
  read(): Promise<void>;
  /** Tell the agent in a line what was done, or why it was not. */
  say(words: string, kind?: "notice" | "error"): void;
  /** Tell of a call that failed; the texts name what that means for the agent. */
  fail(refusal: unknown, whenOffline: "not_done" | "not_sent"): void;
}

export const DeskContext = createContext<Desk | null>(null);

export function useDesk(): Desk {
  const desk = useContext(DeskContext);
  if (!desk) throw new Error("outside of the desk");
  return desk;
}
