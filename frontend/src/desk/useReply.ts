/* Sending a reply. The key stays while it is the same text: a second press after a lost answer sends
   nothing twice. After a refusal nothing was sent, so the next press is a new try. */

import { useRef, useState } from "react";
import { Refusal } from "./api";
import { useDesk } from "./context";
import { useWords } from "./texts";

export function useReply(): { sending: boolean; send: (text: string) => Promise<boolean> } {
  const { api, thread, agentName, read, say, fail } = useDesk();
  const { t } = useWords();
  const [sending, setSending] = useState(false);
  const attempt = useRef<{ text: string; key: string } | null>(null);

  async function send(text: string): Promise<boolean> {
    if (!text.trim() || sending) return false;
    if (attempt.current?.text !== text) attempt.current = { text, key: crypto.randomUUID() };
    setSending(true);
    try {
      await api.reply(thread.conversation_id, { text, key: attempt.current.key, name: agentName });
      attempt.current = null;
      say(t("sent"));
      void read();
      return true;
    } catch (refusal) {
      if (refusal instanceof Refusal && refusal.kind === "refused") attempt.current = null;
      fail(refusal, "not_sent");
      return false;
    } finally {
      setSending(false);
    }
  }

  return { sending, send };
}
