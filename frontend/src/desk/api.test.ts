import { afterEach, expect, test, vi } from "vitest";
import { DeskApi, Refusal } from "./api";
import { aThread } from "./testing";

const answers = (status: number, body?: unknown, headers = {}) =>
  vi.stubGlobal("fetch", vi.fn(async () => new Response(body === undefined ? null : JSON.stringify(body), { status, headers })));
const asked = () => (vi.mocked(fetch).mock.calls.at(-1) ?? []) as [string, RequestInit];
const headersAsked = () => asked()[1].headers as Record<string, string>;

afterEach(() => vi.unstubAllGlobals());

test("a ticket's thread is asked for by the ticket, a page's by its conversation", async () => {
  answers(200, aThread());
  await new DeskApi({ surface: "zendesk", token: "t" }).readThread(8123);
  expect(asked()[0]).toBe("/api/desk/thread?ticket_id=8123");
  await new DeskApi({ surface: "page", token: "t", conversation_id: 17 }).readThread(null);
  expect(asked()[0]).toBe("/api/desk/thread?conversation_id=17");
  expect(headersAsked().Authorization).toBe("Bearer t");
});

test("what was read before is asked for again only if it has changed", async () => {
  const api = new DeskApi({ surface: "zendesk", token: "t" });
  answers(200, aThread(), { ETag: '"one"' });
  await api.readThread(1);
  expect(headersAsked()).not.toHaveProperty("If-None-Match");
  answers(304);
  expect(await api.readThread(1)).toBeNull();
  expect(headersAsked()["If-None-Match"]).toBe('"one"');
  api.forget();
  answers(200, aThread());
  await api.readThread(1);
  expect(headersAsked()).not.toHaveProperty("If-None-Match");
});

test.each([
  [401, { error: "session_ended", message: "Ended." }, "ended", "Ended."],
  [404, { error: "no_thread", message: "No thread." }, "nothing", "No thread."],
  [409, { error: "opted_out", message: "They opted out." }, "refused", "They opted out."],
  [429, { error: "too_many", message: "Wait a minute." }, "refused", "Wait a minute."],
  [403, undefined, "broken", ""],
  [500, { error: "x", message: "Traceback" }, "broken", "Traceback"],
  [502, undefined, "broken", ""],
])("an answer %i is a refusal of its kind", async (status, body, kind, message) => {
  answers(status, body);
  const refused = new DeskApi({ surface: "zendesk", token: "t" }).optOut(17);
  await expect(refused).rejects.toMatchObject({ kind, message });
  await expect(refused).rejects.toBeInstanceOf(Refusal);
});

test("no answer at all means that there is no connection", async () => {
  vi.stubGlobal("fetch", vi.fn(async () => { throw new TypeError("Failed to fetch"); }));
  await expect(new DeskApi({ surface: "zendesk", token: "t" }).readThread(1)).rejects.toMatchObject({ kind: "offline" });
});
