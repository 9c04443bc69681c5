import { Button } from "@zendeskgarden/react-buttons";
import { useState } from "react";
import { Card } from "./Card";
import { useDesk } from "./context";
import { momentOf } from "./times";
import { useReply } from "./useReply";
import { useWords } from "./texts";

/** What the assistant would write. It leaves only by the agent's hand. */
export function DraftCard({ onEdit }: { onEdit: (text: string) => void }) {
  const { thread, now, say } = useDesk();
  const words = useWords();
  const { t } = words;
  const [putAway, setPutAway] = useState<number | null>(null);
  const { sending, send } = useReply();
  const { draft } = thread;
  if (!draft || draft.id === putAway || !thread.abilities.includes("reply")) return null;

  async function use(text: string, id: number) {
    if (await send(text)) setPutAway(id);
  }

  return (
    <Card title={t("draft")} className="draft">
      <p className="draft-text" dir="auto">{draft.text}</p>
      <p className="quiet">{t("draft_made", { time: momentOf(draft.made_at, now, words) })}</p>
      <div className="row">
        <Button size="small" isPrimary disabled={sending} onClick={() => void use(draft.text, draft.id)}>{t("draft_use")}</Button>
        <Button size="small" onClick={() => { onEdit(draft.text); setPutAway(draft.id); }}>{t("draft_edit")}</Button>
        <Button size="small" isBasic onClick={() => { setPutAway(draft.id); say(t("draft_gone")); }}>{t("draft_bad")}</Button>
      </div>
    </Card>
  );
}
