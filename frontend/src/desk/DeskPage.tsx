/* The desk: reads the thread and lays its parts out, one below the other in a sidebar, in two columns
   where there is room. The order in the document is the order in which one tabs and hears it. */

import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Actions } from "./Actions";
import { Refusal, type DeskApi } from "./api";
import { BuyerHead } from "./BuyerHead";
import { Card } from "./Card";
import { ClockCard } from "./ClockCard";
import { Composer } from "./Composer";
import { ConsentCard } from "./ConsentCard";
import { DeskContext, type Desk } from "./context";
import { DraftCard } from "./DraftCard";
import { OrderCard } from "./OrderCard";
import { PromisesCard } from "./PromisesCard";
import { Ended, Loading, Nothing, Toast, Trouble, type Said } from "./states";
import { useWords } from "./texts";
import { ThreadView } from "./ThreadView";
import { useThread } from "./useThread";
import type { Host } from "./zaf";

export function DeskPage({ api, host }: { api: DeskApi; host: Host | null }) {
  const { t } = useWords();
  const { thread, trouble, read, show, notice } = useThread(api, host?.ticketId ?? null);
  const [text, setText] = useState("");
  const [said, setSaid] = useState<Said | null>(null);
  const [name, setName] = useSignature();
  const box = useRef<HTMLTextAreaElement>(null);

  const say = useCallback<Desk["say"]>((words, kind = "notice") => {
    setSaid((before) => ({ words, kind, count: (before?.count ?? 0) + 1 }));
    host?.notify(words, kind);
  }, [host]);

  const fail = useCallback<Desk["fail"]>((refusal, whenOffline) => {
    const kind = refusal instanceof Refusal ? refusal.kind : "broken";
    if (kind === "ended") notice(refusal);
    else if (kind === "offline") say(t(whenOffline), "error");
    else say((refusal instanceof Refusal && refusal.message) || t("not_done_broken"), "error");
    if (kind === "refused") void read(); // the thread is not as this page believes
  }, [notice, read, say, t]);

  const desk = useMemo<Desk | null>(
    () => thread && {
      api, host, thread, now: new Date(), show, read, say, fail,
      ...(host ? { agentName: host.agentName } : { agentName: name, setAgentName: setName }),
    },
    [api, host, thread, name, setName, show, read, say, fail],
  );

  if (trouble?.kind === "ended") return <Ended page={!host} text={text} />;
  if (!desk) return trouble ? <Nothing trouble={trouble} page={!host} onAgain={() => void read()} /> : <Loading />;
  return (
    <DeskContext value={desk}>
      <a className="skip" href="#reply">{t("skip")}</a>
      <Trouble trouble={trouble} onAgain={() => void read()} />
      <div className="desk">
        <div className="top">
          <BuyerHead />
          <Actions />
        </div>
        <main>
          {desk.thread.summary && <Card title={t("summary")} className="summary"><p>{desk.thread.summary}</p></Card>}
          <ThreadView />
          <DraftCard onEdit={(draft) => { setText(draft); box.current?.focus(); }} />
          <Composer text={text} onText={setText} box={box} />
        </main>
        <aside aria-label={t("order")}>
          <OrderCard />
          <PromisesCard />
          <ConsentCard />
          <ClockCard />
        </aside>
      </div>
      <Toast said={said} shown={!host} />
    </DeskContext>
  );
}

/** On a page of ours nobody is signed in, so the name is typed, and remembered by this browser. */
function useSignature(): [string, (name: string) => void] {
  const [name, setName] = useState(() => stored((store) => store.getItem(SIGNATURE)) ?? "");
  const keep = useCallback((news: string) => {
    stored((store) => store.setItem(SIGNATURE, news));
    setName(news);
  }, []);
  return [name, keep];
}

const SIGNATURE = "doorstep.name";

/** A browser may forbid storing, in a frame above all. */
function stored<T>(use: (store: Storage) => T): T | null {
  try {
    return use(localStorage);
  } catch {
    return null;
  }
}

const TALLEST = 900; // pixels; beyond that the app scrolls inside, so that its dialogs stay in sight

/** Asks the host for the height of the page, whenever that changes. */
export function useHostHeight(host: Host | null): void {
  useEffect(() => {
    if (!host) return;
    let asked = 0;
    const measure = () => {
      const height = Math.min(TALLEST, document.documentElement.scrollHeight);
      if (Math.abs(height - asked) > 4) host.resize((asked = height));
    };
    const watcher = new ResizeObserver(measure);
    watcher.observe(document.body);
    return () => watcher.disconnect();
  }, [host]);
}
