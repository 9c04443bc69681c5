/* The wrapper and the stand-in, against a host that answers as Zendesk's does. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { meetHost } from "./zaf";
import { standIn } from "./zafStandIn";

const ORIGIN = "https://acme.zendesk.com";

interface FakePage {
  page: Window;
  sent: { message: Record<string, unknown>; to: string }[];
  say: (message: unknown, from?: string) => void;
}

/** A window inside a frame; `say` is the host speaking. */
function framed(search: string, answer?: (message: Record<string, unknown>) => unknown): FakePage {
  const listeners: ((event: unknown) => void)[] = [];
  const sent: FakePage["sent"] = [];
  const parent = {
    postMessage(text: string, to: string) {
      const message = JSON.parse(text) as Record<string, unknown>;
      sent.push({ message, to });
      const reply = answer?.(message);
      if (reply !== undefined) queueMicrotask(() => say(reply));
    },
  };
  const say = (message: unknown, from = ORIGIN) =>
    listeners.forEach((hear) => hear({ origin: from, source: parent, data: JSON.stringify(message) }));
  const page = {
    location: { search }, parent, document,
    addEventListener: (_: string, hear: (event: unknown) => void) => listeners.push(hear),
  } as unknown as Window;
  return { page, sent, say };
}

const INSIDE = `?origin=${encodeURIComponent(ORIGIN)}&app_guid=g-1`;

function zendesk(known: Record<string, unknown>) {
  return (message: Record<string, unknown>) => {
    if (message.key === "iframe.handshake") return { key: "zaf.app.registered", message: { metadata: {}, context: {} } };
    if (message.request === "get") {
      const [path] = message.params as [string];
      return { id: message.id, result: path in known ? { [path]: known[path], errors: {} } : { errors: { [path]: { message: "could not be found" } } } };
    }
    if (message.request === "invoke") return { id: message.id, result: { errors: {} } };
    return undefined;
  };
}

beforeEach(() => {
  // The CDN cannot be reached: the script fails at once.
  vi.spyOn(document.head, "append").mockImplementation((script) => {
    queueMicrotask(() => (script as HTMLScriptElement).onerror?.(new Event("error")));
  });
});
afterEach(() => vi.restoreAllMocks());

test("the host tells the ticket, who is there, in which language and how dark it is", async () => {
  const { page } = framed(INSIDE, zendesk({ "ticket.id": 8123, currentUser: { name: "Priya N", locale: "es" }, colorScheme: "dark" }));
  const host = await meetHost(page);
  expect(host).toMatchObject({ ticketId: 8123, agentName: "Priya N", locale: "es", scheme: "dark" });
});

test("a host that knows neither user nor colours is good enough", async () => {
  const { page } = framed(INSIDE, zendesk({ "ticket.id": 8123 }));
  expect(await meetHost(page)).toMatchObject({ ticketId: 8123, agentName: "", locale: "", scheme: null });
});

test.each([[{}], [{ "ticket.id": null }], [{ "ticket.id": "new" }]])("without a ticket (%j) there is nothing to meet", async (known) => {
  await expect(meetHost(framed(INSIDE, zendesk(known)).page)).rejects.toThrow();
});

test.each([
  "", "?origin=https://acme.zendesk.com", "?app_guid=g-1",
  "?origin=https://acme.zendesk.com.evil.example&app_guid=g-1", "?origin=http://acme.zendesk.com&app_guid=g-1",
  "?origin=*&app_guid=g-1", "?origin=https://localhost.evil.example&app_guid=g-1",
])("the stand-in speaks to no stranger: %s", async (search) => {
  const { page, sent } = framed(search);
  await expect(meetHost(page)).rejects.toThrow();
  expect(sent).toEqual([]);
});

test("every message names the app, goes to the host's address only, and waits for its hello", async () => {
  const { page, sent, say } = framed(INSIDE);
  const client = standIn(page).init();
  if (!client) throw new Error("not connected");
  void client.get("ticket.id").catch(() => undefined);
  expect(sent.map(({ message }) => message.key)).toEqual(["iframe.handshake"]);
  say({ key: "zaf.app.registered", message: {} }, "https://evil.example");
  expect(sent).toHaveLength(1);
  say({ key: "zaf.app.registered", message: {} });
  expect(sent[1]?.message).toMatchObject({ request: "get", params: ["ticket.id"] });
  for (const { message, to } of sent) {
    expect(message).toMatchObject({ appGuid: "g-1", instanceGuid: "g-1" });
    expect(to).toBe(ORIGIN);
  }
});

test("text for the ticket's reply goes through, and a refusal of the host is told", async () => {
  const { page, sent } = framed(INSIDE, zendesk({ "ticket.id": 1 }));
  const host = await meetHost(page);
  await host.insert("Thanks!");
  expect(sent.at(-1)?.message).toMatchObject({ request: "invoke", params: { "ticket.comment.appendText": ["Thanks!"] } });

  const stubborn = framed(INSIDE, (message) => (message.request === "invoke"
    ? { id: message.id, result: { errors: { "ticket.comment.appendText": { message: "no editor" } } } }
    : zendesk({ "ticket.id": 1 })(message)));
  await expect((await meetHost(stubborn.page)).insert("x")).rejects.toThrow("no editor");
});

test("the colours follow the host", async () => {
  const { page, say } = framed(INSIDE, zendesk({ "ticket.id": 1 }));
  const told: string[] = [];
  (await meetHost(page)).onScheme((scheme) => told.push(scheme));
  say({ key: "zaf.colorScheme.changed", message: "dark" });
  say({ key: "zaf.colorScheme.changed", message: { odd: true } });
  expect(told).toEqual(["dark"]);
});
