/* Segments and cost of what is being written, asked for once the typing rests. */

import { useEffect, useState } from "react";
import type { DeskApi } from "./api";
import type { Estimate } from "./thread";

export const REST = 400; // milliseconds

export function useEstimate(api: DeskApi, conversation: number, text: string): Estimate | null {
  const [told, setTold] = useState<{ text: string; estimate: Estimate } | null>(null);
  const wanted = text.trim() !== "";

  useEffect(() => {
    if (!wanted) return;
    let current = true;
    const timer = setTimeout(() => {
      api.estimate(conversation, text).then(
        (estimate) => { if (current) setTold({ text, estimate }); },
        () => undefined, // a figure that is missing stops nobody from writing
      );
    }, REST);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [api, conversation, text, wanted]);

  return wanted ? (told?.estimate ?? null) : null;
}
