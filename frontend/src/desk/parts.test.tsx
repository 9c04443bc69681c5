/* The parts in a DOM: what they offer, ask and say. How they look is the browser tests' matter. */

import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { createRef, useState } from "react";
import { afterEach, expect, test, vi } from "vitest";
import { Actions } from "./Actions";
import { Refusal } from "./api";
import { Composer } from "./Composer";
import { ConsentCard } from "./ConsentCard";
import { DeskContext, type Desk } from "./context";
import { DeskPage } from "./DeskPage";
import { DraftCard } from "./DraftCard";
import { OrderCard } from "./OrderCard";
import { aDesk, aMessage, anApi, aThread, renderIn, Themed } from "./testing";
import { ThreadView } from "./ThreadView";

afterEach(() => { cleanup(); vi.useRealTimers(); });

function Writing({ begin = "" }: { begin?: string }) {
  const [text, setText] = useState(begin);
  return <Composer text={text} onText={setText} box={createRef()} />;
}
const button = (name: RegExp | string) => screen.getByRole<HTMLButtonElement>("button", { name });
const box = () => screen.getByLabelText<HTMLTextAreaElement>("Reply by text");

test("a text whose answer was lost keeps its key, so that the buyer gets it once", async () => {
  const reply = vi.fn().mockRejectedValueOnce(new Refusal("offline", "")).mockResolvedValue(undefined);
  const desk = aDesk({ api: anApi({ reply }) });
  renderIn(desk, <Writing begin="On its way" />);
  fireEvent.click(button("Send text"));
  await waitFor(() => expect(desk.fail).toHaveBeenCalledOnce());
  expect(box().value).toBe("On its way");
  fireEvent.click(button("Send text"));
  await waitFor(() => expect(box().value).toBe(""));
  const [first, second] = reply.mock.calls.map(([, sent]) => sent as { key: string; name: string });
  expect(first?.key).toBe(second?.key);
  expect(first?.name).toBe("Priya");
});

test("another text, or one after a refusal, has another key", async () => {
  const reply = vi.fn().mockRejectedValue(new Refusal("refused", "No."));
  const desk = aDesk({ api: anApi({ reply }) });
  renderIn(desk, <Writing begin="On its way" />);
  fireEvent.click(button("Send text"));
  await waitFor(() => expect(desk.fail).toHaveBeenCalledTimes(1));
  fireEvent.click(button("Send text"));
  await waitFor(() => expect(desk.fail).toHaveBeenCalledTimes(2));
  expect(reply.mock.calls[0]?.[1].key).not.toBe(reply.mock.calls[1]?.[1].key);
});

test("two presses of Send are one text", async () => {
  const reply = vi.fn(() => new Promise<void>(() => undefined));
  renderIn(aDesk({ api: anApi({ reply }) }), <Writing begin="Hello" />);
  fireEvent.keyDown(box(), { key: "Enter", ctrlKey: true });
  fireEvent.keyDown(box(), { key: "Enter", ctrlKey: true });
  await waitFor(() => expect(button("Sending…").disabled).toBe(true));
  expect(reply).toHaveBeenCalledOnce();
});

test("segments and cost are asked for when the typing rests, once", async () => {
  vi.useFakeTimers();
  const estimate = vi.fn(async () => ({ segments: 2, encoding: "GSM-7", characters: 171, texts: 1, cost: "0.0158 USD" }));
  renderIn(aDesk({ api: anApi({ estimate }) }), <Writing />);
  for (const text of ["H", "Ho", "How"]) fireEvent.change(box(), { target: { value: text } });
  await act(() => vi.advanceTimersByTimeAsync(1000));
  expect(estimate).toHaveBeenCalledOnce();
  expect(estimate).toHaveBeenCalledWith(17, "How");
  expect(screen.getByText("171 characters · 2 segments · about 0.0158 USD")).toBeTruthy();
});

test("who opted out cannot be written to, and the page says why", () => {
  const thread = aThread({ abilities: ["resolve"], consent: { ...aThread().consent, state: "opted_out" } });
  renderIn(aDesk({ thread }), <><Writing /><ConsentCard /></>);
  expect(screen.queryByRole("textbox")).toBeNull();
  expect(screen.getByRole("note").textContent).toContain("opted out");
  expect(screen.queryByRole("button", { name: "Opt this buyer out" })).toBeNull();
});

test("opting out is asked about with all that will happen, and done only then", async () => {
  const desk = aDesk();
  renderIn(desk, <ConsentCard />);
  fireEvent.click(button("Opt this buyer out"));
  const question = screen.getByRole("alertdialog");
  expect(question.textContent).toContain("(415) 555-0142");
  expect(question.textContent).toContain("START");
  expect(desk.api.optOut).not.toHaveBeenCalled();
  fireEvent.click(button("Opt out now"));
  await waitFor(() => expect(desk.say).toHaveBeenCalledWith("Opted out."));
});

test("a saved reply is found, chosen and inserted by keys alone", () => {
  const saved_replies = [
    { id: 1, title: "Size guide", text: "See acme.example/sizes." },
    { id: 2, title: "Exchange", text: "Gladly, I send the .", missing: ["size"] },
  ];
  renderIn(aDesk({ thread: aThread({ saved_replies }) }), <Writing />);
  fireEvent.click(button("Saved replies"));
  const search = screen.getByRole("combobox");
  fireEvent.keyDown(search, { key: "ArrowDown" });
  expect(screen.getAllByRole("option").map((one) => one.getAttribute("aria-selected"))).toEqual(["false", "true"]);
  expect(search.getAttribute("aria-activedescendant")).toBe(screen.getAllByRole("option")[1]?.id);
  fireEvent.keyDown(search, { key: "Enter" });
  expect(box().value).toBe("Gladly, I send the .");
  expect(screen.getByText("Fill in yourself: size")).toBeTruthy();
  expect(screen.queryByRole("combobox")).toBeNull();
});

test("Escape closes the saved replies and gives the focus back", () => {
  renderIn(aDesk({ thread: aThread({ saved_replies: [{ id: 1, title: "A", text: "B" }] }) }), <Writing />);
  fireEvent.click(button("Saved replies"));
  fireEvent.keyDown(screen.getByRole("combobox"), { key: "Escape" });
  expect(document.activeElement).toBe(button("Saved replies"));
});

test("only in Zendesk is there a reply of the ticket to insert into", async () => {
  const insert = vi.fn(async () => undefined);
  const host = { insert } as unknown as NonNullable<Desk["host"]>;
  renderIn(aDesk(), <Writing begin="Hi" />);
  expect(screen.queryByRole("button", { name: /Insert/ })).toBeNull();
  cleanup();
  renderIn(aDesk({ host }), <Writing begin="Hi" />);
  fireEvent.click(button(/Insert/));
  await waitFor(() => expect(insert).toHaveBeenCalledWith("Hi"));
});

test("the assistant's draft leaves by the agent's press, goes to the box to be edited, or is put away", async () => {
  const draft = { id: 3, text: "Shall I send the 34?", made_at: "2026-11-24T18:56:00Z" };
  const desk = aDesk({ thread: aThread({ draft }) });
  const onEdit = vi.fn();
  renderIn(desk, <DraftCard onEdit={onEdit} />);
  expect(desk.api.reply).not.toHaveBeenCalled();
  fireEvent.click(button("Edit"));
  expect(onEdit).toHaveBeenCalledWith(draft.text);
  cleanup();
  renderIn(desk, <DraftCard onEdit={onEdit} />);
  fireEvent.click(button("Send as it is"));
  await waitFor(() => expect(screen.queryByText(draft.text)).toBeNull());
  expect(vi.mocked(desk.api.reply).mock.calls[0]?.[1].text).toBe(draft.text);
  cleanup();
  renderIn(desk, <DraftCard onEdit={onEdit} />);
  fireEvent.click(button("Not helpful"));
  expect(screen.queryByText(draft.text)).toBeNull();
  expect(desk.api.reply).toHaveBeenCalledOnce();
});

test("without a draft there is no place for one", () => {
  expect(renderIn(aDesk(), <DraftCard onEdit={vi.fn()} />).container.innerHTML).toBe("");
});

test.each([
  [{ handled_by: "assistant" as const }, ["Take over", "Resolve"]],
  [{ handled_by: "agent" as const, abilities: ["take_over" as const, "hand_back" as const] }, ["Hand back"]],
  [{ state: "resolved" as const, abilities: ["resolve" as const, "reopen" as const] }, ["Reopen"]],
])("of the moves only those that make sense now are offered: %j", (more, names) => {
  renderIn(aDesk({ thread: aThread(more) }), <Actions />);
  expect(screen.getAllByRole("button").map((one) => one.textContent)).toEqual(names);
});

test("addresses that are not of the web are no links", () => {
  const parcels = [{ carrier: "X", number: "1", url: "javascript:alert(1)", state: "arrived" as const, words: "Here", at: null }];
  const order = {
    name: "#1", placed_at: "2026-11-19T20:11:04Z", status: "paid", total: "1 USD", admin_url: "data:text/html,x",
    status_page_url: "https://acme.example/o", lines: [], parcels,
  };
  renderIn(aDesk({ thread: aThread({ order }) }), <OrderCard />);
  expect(screen.getAllByRole("link").map((one) => one.getAttribute("href"))).toEqual(["https://acme.example/o"]);
});

test("two lines of one SKU and two parcels of one number are each shown, and are not confused", () => {
  const line = { title: "Chino", variant: null, options: {}, sku: "CH-32", quantity: 1, image_url: null };
  const parcel = { carrier: "X", number: "1", url: null, state: "arrived" as const, words: "Here", at: null };
  const order = {
    name: "#1", placed_at: "2026-11-18T10:00:00Z", total: "1", status: "Paid", admin_url: null, status_page_url: null,
    lines: [line, { ...line, title: "Chino, a gift" }], parcels: [parcel, { ...parcel, words: "Here too" }],
  };
  const complaints = vi.spyOn(console, "error").mockImplementation(() => {});
  renderIn(aDesk({ thread: aThread({ order }) }), <OrderCard />);
  expect(screen.getByText("Chino, a gift")).toBeTruthy();
  expect(screen.getByText(/Here too/)).toBeTruthy();
  expect(complaints).not.toHaveBeenCalled();
  complaints.mockRestore();
});

test("each photo is shown large from its newest address, and a small one stays while it works", () => {
  const photo = (url: string) => aThread({ messages: [aMessage({ photos: [{ id: 4, url, content_type: "image/jpeg", state: "stored" }] })] });
  const desk = aDesk({ thread: photo("/old") });
  const { rerender } = render(<Page desk={desk} />);
  rerender(<Page desk={{ ...desk, thread: photo("/new") }} />);
  const small = button(/Show photo 1/);
  expect(small.querySelector("img")?.getAttribute("src")).toBe("/old");
  fireEvent.click(small);
  expect(screen.getByRole("dialog").querySelector("img")?.getAttribute("src")).toBe("/new");
});

test("a photo whose address has run out is fetched from the newest, once", () => {
  const photo = (url: string) => aThread({ messages: [aMessage({ photos: [{ id: 4, url, content_type: "image/jpeg", state: "stored" }] })] });
  const desk = aDesk({ thread: photo("/old") });
  const { rerender } = render(<Page desk={desk} />);
  rerender(<Page desk={{ ...desk, thread: photo("/new") }} />);
  const image = () => button(/Show photo 1/).querySelector("img");
  fireEvent.error(image() as Element);
  expect(image()?.getAttribute("src")).toBe("/new");
  fireEvent.error(image() as Element);
  expect(screen.getByText("This photo cannot be shown right now.")).toBeTruthy();
});

test("where a consent came from is said in words, a source that is news as it is", () => {
  const from = (source: string) => aDesk({ thread: aThread({ consent: { ...aThread().consent, source } }) });
  renderIn(from("checkout_attribute"), <ConsentCard />);
  expect(screen.getByText("How: at checkout")).toBeTruthy();
  cleanup();
  renderIn(from("smoke_signals"), <ConsentCard />);
  expect(screen.getByText("How: smoke_signals")).toBeTruthy();
});

test("a new text of the buyer is read out; those from before and our own are not", () => {
  const desk = aDesk();
  const messages = [
    aMessage(),
    aMessage({ id: 2, direction: "out", author: "agent", author_name: "Priya", body: "One moment.", state: "sent" }),
    aMessage({ id: 3, body: "Next size please" }),
  ];
  const { rerender } = render(<Page desk={desk} />);
  expect(screen.getByTestId("news").textContent).toBe("");
  rerender(<Page desk={{ ...desk, thread: aThread({ messages }) }} />);
  expect(screen.getByTestId("news").textContent).toBe("New text from Maya: Next size please");
});

function Page({ desk }: { desk: Desk }) {
  return <Themed><DeskContext value={desk}><ThreadView /></DeskContext></Themed>;
}

test.each<[Refusal, RegExp]>([
  [new Refusal("nothing", ""), /not here any more/],
  [new Refusal("offline", ""), /No connection/],
  [new Refusal("broken", ""), /does not answer as it should/],
  [new Refusal("refused", "Too many calls. Wait a minute."), /Too many calls/],
  [new Refusal("ended", ""), /session has ended/],
])("where the thread cannot be read the page says why: %s", async (refusal, said) => {
  render(<Themed><DeskPage api={anApi({ readThread: vi.fn(async () => { throw refusal; }) })} host={null} /></Themed>);
  expect((await screen.findByRole("alert")).textContent).toMatch(said);
});

test("when the session ends, what was written stays to be copied, and nothing is asked any more", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  const readThread = vi.fn(async () => aThread());
  const api = anApi({ readThread, reply: vi.fn(async () => { throw new Refusal("ended", ""); }) });
  render(<Themed><DeskPage api={api} host={null} /></Themed>);
  fireEvent.change(await screen.findByLabelText("Reply by text"), { target: { value: "A long answer" } });
  fireEvent.click(button("Send text"));
  expect((await screen.findByRole("alert")).textContent).toContain("A long answer");
  const before = readThread.mock.calls.length;
  await act(() => vi.advanceTimersByTimeAsync(30_000));
  expect(readThread.mock.calls.length).toBe(before);
});

test("without connection the thread stays, marked as old, and is mended by itself", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  const readThread = vi.fn().mockResolvedValueOnce(aThread()).mockRejectedValueOnce(new Refusal("offline", "")).mockResolvedValue(null);
  render(<Themed><DeskPage api={anApi({ readThread })} host={null} /></Themed>);
  await screen.findByText("The waist feels tight.");
  await act(() => vi.advanceTimersByTimeAsync(5_000));
  expect(screen.getByText(/What you see may be old/)).toBeTruthy();
  expect(screen.getByText("The waist feels tight.")).toBeTruthy();
  await act(() => vi.advanceTimersByTimeAsync(5_000));
  expect(screen.queryByText(/What you see may be old/)).toBeNull();
});
