import { Button } from "@zendeskgarden/react-buttons";
import { useState } from "react";
import type { Move } from "./api";
import { useDesk } from "./context";
import { useWords, type TextKey } from "./texts";
import type { Ability } from "./thread";

const MOVES: { ability: Ability; move: Move; label: TextKey; why?: TextKey; done: TextKey }[] = [
  { ability: "take_over", move: "take-over", label: "take_over", why: "take_over_why", done: "done_take_over" },
  { ability: "hand_back", move: "hand-back", label: "hand_back", why: "hand_back_why", done: "done_hand_back" },
  { ability: "resolve", move: "resolve", label: "resolve", done: "done_resolve" },
  { ability: "reopen", move: "reopen", label: "reopen", done: "done_reopen" },
];

/** Who holds the thread and whether it is done: the buttons that the server says are possible. */
export function Actions() {
  const { api, thread, show, say, fail } = useDesk();
  const { t } = useWords();
  const [busy, setBusy] = useState<Move | null>(null);
  const possible = MOVES.filter(({ ability, move }) => thread.abilities.includes(ability) && makesSense(move));

  function makesSense(move: Move): boolean {
    if (move === "take-over") return thread.handled_by !== "agent";
    if (move === "hand-back") return thread.handled_by === "agent";
    return (move === "reopen") === (thread.state === "resolved");
  }

  async function make(move: Move, done: TextKey) {
    setBusy(move);
    try {
      show(await api.move(thread.conversation_id, move));
      say(t(done));
    } catch (refusal) {
      fail(refusal, "not_done");
    } finally {
      setBusy(null);
    }
  }

  if (possible.length === 0) return null;
  return (
    <div className="actions" role="group" aria-label={t("actions")}>
      {possible.map(({ move, label, why, done }) => (
        <Button key={move} size="small" disabled={busy !== null} title={why && t(why)} onClick={() => void make(move, done)}>
          {t(label)}
        </Button>
      ))}
    </div>
  );
}
