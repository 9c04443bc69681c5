import { Button } from "@zendeskgarden/react-buttons";
import { Field, Input, Textarea } from "@zendeskgarden/react-forms";
import { useState, type RefObject } from "react";
import { useDesk } from "./context";
import { SavedReplies } from "./SavedReplies";
import { useEstimate } from "./useEstimate";
import { useReply } from "./useReply";
import { useWords, type Words } from "./texts";
import type { Estimate, SavedReply } from "./thread";

/** Writing to the buyer. `text` is kept by the page, which also lets a draft be edited here. */
export function Composer({ text, onText, box }: {
  text: string;
  onText: (text: string) => void;
  box: RefObject<HTMLTextAreaElement | null>;
}) {
  const { api, host, thread, agentName, setAgentName, say, fail } = useDesk();
  const words = useWords();
  const { t } = words;
  const { sending, send } = useReply();
  const [missing, setMissing] = useState<string[]>([]);
  const estimate = useEstimate(api, thread.conversation_id, text);

  if (!thread.abilities.includes("reply")) {
    const optedOut = thread.consent.state === "opted_out";
    return <p className="closed" role="note">{t(optedOut ? "opted_out_reply" : "cannot_reply")}</p>;
  }

  async function submit() {
    if (await send(text)) write("");
  }

  function write(news: string) {
    if (!news) setMissing([]);
    onText(news);
  }

  function add(reply: SavedReply) {
    const at = box.current;
    const [from, to] = at ? [at.selectionStart, at.selectionEnd] : [text.length, text.length];
    onText(text.slice(0, from) + reply.text + text.slice(to));
    setMissing(reply.missing ?? []);
    requestAnimationFrame(() => {
      at?.focus();
      at?.setSelectionRange(from + reply.text.length, from + reply.text.length);
    });
  }

  async function insert() {
    try {
      await host?.insert(text);
      say(t("inserted"));
    } catch (refusal) {
      fail(refusal, "not_done");
    }
  }

  return (
    <form id="reply" className="composer" onSubmit={(event) => { event.preventDefault(); void submit(); }}>
      <Field>
        <Field.Label>{t("reply")}</Field.Label>
        <Field.Hint>{t("reply_hint")}</Field.Hint>
        <Textarea
          ref={box}
          isCompact
          minRows={3}
          maxRows={10}
          value={text}
          onChange={(event) => write(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
              event.preventDefault();
              void submit();
            }
          }}
        />
      </Field>
      <p className="estimate" role="status">{estimate && estimateWords(estimate, words)}</p>
      {estimate?.encoding === "UCS-2" && estimate.segments > 1 && <p className="remark">{t("estimate_unicode")}</p>}
      {missing.length > 0 && <p className="remark">{t("saved_missing", { names: missing.join(", ") })}</p>}
      {setAgentName && (
        <Field className="sign">
          <Field.Label isRegular>{t("sign_as")}</Field.Label>
          <Input isCompact value={agentName} maxLength={40} autoComplete="given-name" onChange={(event) => setAgentName(event.target.value)} />
        </Field>
      )}
      <div className="composer-row">
        <SavedReplies replies={thread.saved_replies} onPick={add} />
        {host && <Button size="small" isBasic disabled={!text.trim()} onClick={() => void insert()}>{t("insert")}</Button>}
        <Button size="small" isPrimary type="submit" disabled={!text.trim() || sending}>
          {t(sending ? "sending" : "send")}
        </Button>
      </div>
    </form>
  );
}

export function estimateWords(estimate: Estimate, { t }: Words): string {
  const { characters, segments, texts, cost } = estimate;
  return [
    segments === 1 ? t("estimate_one", { characters }) : t("estimate_more", { characters, segments }),
    texts > 1 ? t("estimate_texts", { texts }) : "",
    cost ? t("estimate_cost", { cost }) : "",
  ].filter(Boolean).join(" ");
}
