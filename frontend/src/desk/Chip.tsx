import type { ReactNode } from "react";

export type Tone = "good" | "warn" | "bad" | "calm" | "plain";

/** A word about how something stands; its colour only repeats what the word says. */
export function Chip({ tone = "plain", children }: { tone?: Tone; children: ReactNode }) {
  return <span className={`chip ${tone}`}>{children}</span>;
}
