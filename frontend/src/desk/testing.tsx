/* For the tests beside the parts: a thread, a host and a server that remember what was asked. */

import { DEFAULT_THEME, ThemeProvider } from "@zendeskgarden/react-theming";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { vi } from "vitest";
import { DeskContext, type Desk } from "./context";
import type { DeskApi } from "./api";
import type { Message, Thread } from "./thread";

export const NOW = new Date("2026-11-24T19:02:00Z");

export function aMessage(more: Partial<Message> = {}): Message {
  return {
    id: 1, at: "2026-11-24T18:51:00Z", author: "contact", author_name: null, body: "The waist feels tight.",
    direction: "in", state: "received", reason: null, segments: 1, photos: [], ...more,
  };
}

export function aThread(more: Partial<Thread> = {}): Thread {
  return {
    conversation_id: 17, state: "open", handled_by: "assistant", waiting_since: null, urgent: false, turn: 1,
    buyer: {
      name: "Maya Okafor", first_name: "Maya", phone: "+14155550142", phone_shown: "(415) 555-0142",
      shared_phone: false, local_time: "11:02", local_zone: "PST", place: null,
    },
    consent: {
      state: "granted", since: "2026-11-19T20:11:04Z", source: "checkout", wording: "Text me.", evidence_id: "c-31",
      may_text: { verdict: "yes", until: null, words: "Texts may go until 20:00." },
    },
    clock: { open: true, opens_at: null, closes_at: null, words: "Until 20:00 their time." },
    messages: [aMessage()], more: false, order: null, other_orders: [], promises: [], draft: null, summary: null,
    saved_replies: [], abilities: ["reply", "opt_out", "take_over", "resolve"], ...more,
  };
}

export function anApi(more: Partial<Record<keyof DeskApi, unknown>> = {}): DeskApi {
  return {
    readThread: vi.fn(async () => aThread()),
    forget: vi.fn(),
    reply: vi.fn(async () => undefined),
    estimate: vi.fn(async () => ({ segments: 1, encoding: "GSM-7", characters: 5, texts: 1, cost: null })),
    optOut: vi.fn(async () => "Opted out."),
    move: vi.fn(async () => aThread()),
    ...more,
  } as unknown as DeskApi;
}

export function aDesk(more: Partial<Desk> = {}): Desk {
  return {
    api: anApi(), host: null, thread: aThread(), agentName: "Priya", now: NOW,
    show: vi.fn(), read: vi.fn(async () => undefined), say: vi.fn(), fail: vi.fn(), ...more,
  };
}

export function renderIn(desk: Desk, part: ReactNode) {
  return render(<Themed><DeskContext value={desk}>{part}</DeskContext></Themed>);
}

export function Themed({ children }: { children: ReactNode }) {
  return <ThemeProvider theme={DEFAULT_THEME}>{children}</ThemeProvider>;
}
