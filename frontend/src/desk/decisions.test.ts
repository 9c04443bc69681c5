/* The pure decisions, as tables. */

import { describe, expect, test } from "vitest";
import { estimateWords } from "./Composer";
import { deliveryOf } from "./delivery";
import { findReplies } from "./SavedReplies";
import { readSession } from "./session";
import { wordsFor } from "./texts";
import { dayOf, momentOf, sinceOf } from "./times";
import type { MessageState } from "./thread";

const words = wordsFor("en-US");

describe("delivery", () => {
  test.each<[MessageState, string, boolean]>([
    ["queued", "clock", false], ["held", "clock", false], ["sending", "clock", false],
    ["accepted", "one", false], ["sent", "one", false], ["delivered", "two", false],
    ["undelivered", "bad", true], ["failed", "bad", true], ["unknown", "doubt", true],
  ])("%s", (state, tick, wrong) => {
    expect(deliveryOf({ state })).toMatchObject({ tick, wrong });
  });

  test("two ticks are for confirmed texts alone", () => {
    const all = ["queued", "held", "sending", "accepted", "sent", "undelivered", "failed", "unknown", "received"];
    expect(all.filter((state) => deliveryOf({ state: state as MessageState }).tick === "two")).toEqual([]);
  });

  test("a state that is news to this page is shown as doubtful", () => {
    expect(deliveryOf({ state: "teleported" as MessageState })).toMatchObject({ tick: "doubt", wrong: true });
  });
});

describe("session", () => {
  const read = (json: string) => {
    document.body.innerHTML = `<script type="application/json" id="desk-session">${json}</script>`;
    return readSession(document);
  };
  test.each([
    ["null"], ["{"], ["{}"], ['{"surface":"page","token":"t"}'], ['{"surface":"zendesk","token":""}'],
    ['{"surface":"elsewhere","token":"t"}'], ['[]'], ['"x"'],
  ])("%s is none", (json) => expect(read(json)).toBeNull());
  test("Zendesk's and a page's are", () => {
    expect(read('{"surface":"zendesk","token":"t"}')).toMatchObject({ token: "t" });
    expect(read('{"surface":"page","token":"t","conversation_id":17}')).toMatchObject({ conversation_id: 17 });
  });
});

describe("estimate", () => {
  const base = { segments: 1, encoding: "GSM-7" as const, characters: 12, texts: 1, cost: null };
  test.each([
    [base, "12 characters · 1 segment"],
    [{ ...base, segments: 2, characters: 171, cost: "0.0158 USD" }, "171 characters · 2 segments · about 0.0158 USD"],
    [{ ...base, segments: 9, characters: 1400, texts: 2 }, "1400 characters · 9 segments · leaves as 2 texts"],
  ])("%j", (estimate, said) => expect(estimateWords(estimate, words)).toBe(said));
});

describe("saved replies", () => {
  const replies = [
    { id: 1, title: "Store hours", text: "We open at 10. The size guide is online." },
    { id: 2, title: "Size guide", text: "Measure lying flat." },
    { id: 3, title: "Exchange", text: "Gladly!" },
  ];
  test.each([
    ["", [1, 2, 3]], ["size", [2, 1]], ["GUIDE size", [2, 1]], ["size flat", [2]], ["   ", [1, 2, 3]], ["zebra", []],
  ])("%j finds %j", (wanted, ids) => expect(findReplies(replies, wanted).map((one) => one.id)).toEqual(ids));
});

describe("times", () => {
  const at = (day: number, hour: number, minute = 0) => new Date(2026, 10, day, hour, minute);
  const now = at(24, 15);
  test.each([
    [at(24, 0), "Today"], [at(23, 23, 59), "Yesterday"], [at(22, 12), "Sun, Nov 22"],
    [new Date(2025, 10, 22), "Sat, Nov 22, 2025"],
  ])("day of %s", (date, said) => expect(dayOf(date.toISOString(), now, words)).toBe(said));
  test("a moment of today needs no date", () => {
    expect(momentOf(at(24, 14, 10).toISOString(), now, words)).toBe("2:10 PM");
    expect(momentOf(at(23, 14, 10).toISOString(), now, words)).toBe("Yesterday, 2:10 PM");
  });
  test.each([
    [at(24, 14, 59), "1 min"], [at(24, 15), ""], [at(24, 15, 5), ""], [at(24, 14), "1 hr"],
    [at(23, 10), "29 hr"], [at(22, 10), "2 days"],
  ])("since %s", (date, said) => expect(sinceOf(date.toISOString(), now, words)).toBe(said));
});
