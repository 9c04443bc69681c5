import { expect, test } from "vitest";
import { wordsFor } from ".";
import { en } from "./en";
import { es } from "./es";

const holes = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1]).sort();

test.each(Object.keys(en) as (keyof typeof en)[])("%s says the same in Spanish, with the same holes", (key) => {
  expect(es[key].trim()).not.toBe("");
  expect(holes(es[key])).toEqual(holes(en[key]));
});

test.each([
  [["es-MX", "en"], "Pedido"],
  [["de-DE", "es"], "Pedido"],
  [["de-DE"], "Order"],
  [[undefined, "", "ES"], "Pedido"],
  [["constructor"], "Order"],
])("of the wishes %j the first that we speak counts", (wished, order) => {
  expect(wordsFor(...wished).t("order")).toBe(order);
});

test("a value that holds braces or dollars is shown as it is", () => {
  expect(wordsFor("en").t("consent_source", { source: "{name} $& $1" })).toBe("How: {name} $& $1");
});
