import { Chip, type Tone } from "./Chip";
import { useDesk } from "./context";
import { MoonIcon, SunIcon } from "./icons";
import { sinceOf } from "./times";
import { useWords, type TextKey } from "./texts";
import type { Thread } from "./thread";

const STATES: Record<Thread["state"], [TextKey, Tone]> = {
  open: ["state_open", "warn"],
  snoozed: ["state_snoozed", "calm"],
  resolved: ["state_resolved", "good"],
};

/** Who it is, what time it is there, and how the thread stands. */
export function BuyerHead() {
  const { thread, now } = useDesk();
  const words = useWords();
  const { t } = words;
  const { buyer, clock } = thread;
  const waiting = thread.waiting_since ? sinceOf(thread.waiting_since, now, words) : undefined;
  const [state, tone] = STATES[thread.state];
  const time = [buyer.local_time, buyer.local_zone].every(Boolean)
    ? t("buyer_clock", { time: buyer.local_time ?? "", zone: buyer.local_zone ?? "" })
    : null;
  return (
    <header className="buyer">
      <span className="avatar" aria-hidden="true">{initials(buyer.name)}</span>
      <div className="buyer-who">
        <h1>{buyer.name ?? t("buyer_unnamed")}</h1>
        <p>
          <span className="figures">{buyer.phone_shown}</span>
          {buyer.place && <span>{buyer.place}</span>}
        </p>
        {time && <p className="buyer-time">{clock.open ? <SunIcon /> : <MoonIcon />}{time}</p>}
      </div>
      <div className="tags">
        {thread.urgent && <Chip tone="bad">{t("urgent")}</Chip>}
        <Chip tone={tone}>{t(state)}</Chip>
        <Chip>{t(thread.handled_by === "agent" ? "held_by_agent" : "held_by_assistant")}</Chip>
        {waiting !== undefined && <Chip>{waiting ? t("waiting", { time: waiting }) : t("waiting_now")}</Chip>}
        {buyer.shared_phone && <Chip tone="warn">{t("shared_phone")}</Chip>}
      </div>
      {buyer.shared_phone && <p className="remark">{t("shared_phone_why")}</p>}
    </header>
  );
}

function initials(name: string | null): string {
  const words = (name ?? "").split(/\s+/).filter(Boolean);
  return words.slice(0, 2).map((word) => [...word][0]).join("").toUpperCase() || "·";
}
