/* The page's words in English and Spanish. `{name}` in a text is filled by the caller. */

import { createContext, useContext } from "react";
import { en } from "./en";
import { es } from "./es";

export type TextKey = keyof typeof en;
export type Values = Record<string, string | number>;

export interface Words {
  locale: string;
  t: (key: TextKey, values?: Values) => string;
}

const LANGUAGES: Record<string, Record<TextKey, string>> = { en, es };

/** The first of the wished locales that we speak, else English. */
export function wordsFor(...wished: (string | undefined)[]): Words {
  const locale = wished.find((one) => one && Object.hasOwn(LANGUAGES, languageOf(one))) ?? "en";
  const texts = LANGUAGES[languageOf(locale)] ?? en;
  return {
    locale,
    t: (key, values = {}) =>
      texts[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole)),
  };
}

function languageOf(locale: string): string {
  return locale.toLowerCase().split(/[-_]/)[0] ?? "";
}

export const WordsContext = createContext<Words>(wordsFor("en"));

export function useWords(): Words {
  return useContext(WordsContext);
}
