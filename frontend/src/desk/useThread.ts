/* Reads the thread at once, then every five seconds while anybody can see it. */

import { useCallback, useEffect, useRef, useState } from "react";
import { Refusal, type DeskApi } from "./api";
import type { Thread } from "./thread";

export const PACE = 5_000; // milliseconds

export interface Reading {
  thread: Thread | null;
  trouble: Refusal | null;
  /** Read now: something was done here, or somebody pressed "try again". */
  read(): Promise<void>;
  show(thread: Thread): void;
  /** A call elsewhere on the page found the session at its end. */
  notice(refusal: unknown): void;
}

export function useThread(api: DeskApi, ticketId: number | null): Reading {
  const [thread, setThread] = useState<Thread | null>(null);
  const [trouble, setTrouble] = useState<Refusal | null>(null);
  const running = useRef<Promise<void> | null>(null);
  const shows = useRef(0);
  const over = trouble?.kind === "ended";

  const notice = useCallback((refusal: unknown) => {
    const told = refusal instanceof Refusal ? refusal : new Refusal("broken", "");
    // Once ended, always ended: an answer that was under way must not hide it.
    setTrouble((known) => (known?.kind === "ended" ? known : told));
  }, []);

  const show = useCallback((news: Thread) => {
    shows.current += 1;
    setThread(news);
  }, []);

  const read = useCallback((): Promise<void> => {
    running.current ??= (async () => {
      const before = shows.current;
      try {
        const news = await api.readThread(ticketId);
        // An answer that was asked for before a move of ours must not undo what that showed.
        if (news && before === shows.current) setThread(news);
        else if (news) api.forget();
        setTrouble((known) => (known?.kind === "ended" ? known : null));
      } catch (refusal) {
        notice(refusal);
      } finally {
        running.current = null;
      }
    })();
    return running.current;
  }, [api, ticketId, notice]);

  useEffect(() => {
    if (over) return;
    const whenVisible = () => {
      if (document.visibilityState === "visible") void read();
    };
    void read();
    const timer = setInterval(whenVisible, PACE);
    document.addEventListener("visibilitychange", whenVisible);
    window.addEventListener("online", whenVisible);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", whenVisible);
      window.removeEventListener("online", whenVisible);
    };
  }, [read, over]);

  return { thread, trouble, read, show, notice };
}
