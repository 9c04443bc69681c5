import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { useDesk } from "./context";
import { MessageItem } from "./MessageItem";
import { PhotoViewer, type Shown } from "./PhotoViewer";
import { dayOf } from "./times";
import { useWords } from "./texts";
import type { Message } from "./thread";

const NEAR_THE_END = 80; // pixels within which the agent is taken to follow the newest text

/** The texts, oldest first; it follows the newest one unless the agent has scrolled back. */
export function ThreadView() {
  const { thread, now } = useDesk();
  const words = useWords();
  const { t } = words;
  const [shown, setShown] = useState<Shown | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const name = thread.buyer.first_name ?? thread.buyer.name ?? t("buyer");
  const last = thread.messages.at(-1)?.id;

  const toEnd = () => {
    if (box.current && follows.current) box.current.scrollTop = box.current.scrollHeight;
  };
  useLayoutEffect(toEnd, [last]);

  return (
    <section className="thread" aria-label={t("thread")}>
      <div
        ref={box}
        className="texts"
        tabIndex={0}
        role="group"
        aria-label={t("thread_of", { name, count: thread.messages.length })}
        onScroll={({ currentTarget: at }) => {
          follows.current = at.scrollHeight - at.scrollTop - at.clientHeight < NEAR_THE_END;
        }}
      >
        {thread.more && <p className="quiet centred">{t("earlier_exist")}</p>}
        {thread.messages.length === 0 && (
          <div className="nothing">
            <strong>{t("no_texts")}</strong>
            <p>{t("no_texts_why", { name })}</p>
          </div>
        )}
        {byDay(thread.messages, (message) => dayOf(message.at, now, words)).map(([day, messages]) => (
          <div key={messages[0]?.id} className="day">
            <h3>{day}</h3>
            <ol>
              {messages.map((message) => (
                <MessageItem key={message.id} message={message} onPhoto={setShown} onGrown={toEnd} />
              ))}
            </ol>
          </div>
        ))}
      </div>
      <Announcer messages={thread.messages} />
      {shown && <PhotoViewer shown={shown} onMove={setShown} onClose={() => setShown(null)} />}
    </section>
  );
}

/** Reads new texts of the buyer to a screen reader; what was there at the beginning is not news. */
function Announcer({ messages }: { messages: Message[] }) {
  const { t } = useWords();
  const { thread } = useDesk();
  const known = useRef<number | null>(null);
  const [news, setNews] = useState("");
  useEffect(() => {
    const newest = messages.at(-1)?.id ?? 0;
    const before = known.current;
    known.current = newest;
    if (before === null || newest <= before) return;
    const name = thread.buyer.first_name ?? t("buyer");
    const said = messages
      .filter((one) => one.id > before && one.direction === "in")
      .map((one) => `${t("new_text", { name, body: one.body })} ${one.photos.length ? t("new_photo", { count: one.photos.length }) : ""}`.trim());
    if (said.length) setNews(said.join(". "));
  }, [messages, thread.buyer.first_name, t]);
  return <div className="hidden" role="log" aria-live="polite" data-testid="news">{news}</div>;
}

function byDay(messages: Message[], dayName: (message: Message) => string): [string, Message[]][] {
  const days: [string, Message[]][] = [];
  for (const message of messages) {
    const day = dayName(message);
    const current = days.at(-1);
    if (current?.[0] === day) current[1].push(message);
    else days.push([day, [message]]);
  }
  return days;
}
