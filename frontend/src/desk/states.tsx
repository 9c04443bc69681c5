/* What is shown when there is no thread to show, or when it may be old. Each says what to do. */

import { Button } from "@zendeskgarden/react-buttons";
import { Skeleton } from "@zendeskgarden/react-loaders";
import { Alert, Title } from "@zendeskgarden/react-notifications";
import { useEffect, useState, type ReactNode } from "react";
import type { Refusal } from "./api";
import { useWords, type Words } from "./texts";

export function Loading() {
  const { t } = useWords();
  return (
    <div className="desk loading" role="status">
      <span className="hidden">{t("reading")}</span>
      <div aria-hidden="true">
        <Skeleton width="60%" height="24px" />
        <Skeleton width="40%" height="14px" />
        <Skeleton width="75%" height="52px" />
        <Skeleton width="65%" height="36px" />
        <Skeleton width="80%" height="52px" />
      </div>
    </div>
  );
}

/** A page of its own; nothing else can be done here. */
export function Notice({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <main className="notice" role="alert">
      <Mark />
      <h1>{title}</h1>
      {children}
      {action}
    </main>
  );
}

export function Nothing({ trouble, page, onAgain }: { trouble: Refusal; page: boolean; onAgain: () => void }) {
  const { t } = useWords();
  const again = <Button onClick={onAgain}>{t("try_again")}</Button>;
  if (trouble.kind === "nothing") {
    return <Notice title={t("nothing")}><p>{t(page ? "nothing_page" : "nothing_why")}</p></Notice>;
  }
  return <Notice title={wordsFor(trouble, t)} action={again} />;
}

export function Ended({ page, text }: { page: boolean; text: string }) {
  const { t } = useWords();
  return (
    <Notice title={t("ended")}>
      <p>{t(page ? "ended_page" : "ended_zendesk")}</p>
      {text.trim() && (
        <>
          <p>{t("ended_draft")}</p>
          <blockquote>{text}</blockquote>
        </>
      )}
    </Notice>
  );
}

/** Above a thread that is there, but may be old. */
export function Trouble({ trouble, onAgain }: { trouble: Refusal | null; onAgain: () => void }) {
  const { t } = useWords();
  return (
    <div role="status" className="trouble">
      {trouble && (
        <Alert type="warning">
          <Title>{wordsFor(trouble, t)}</Title>
          <Button size="small" isLink onClick={onAgain}>{t("try_again")}</Button>
        </Alert>
      )}
    </div>
  );
}

function wordsFor(trouble: Refusal, t: Words["t"]): string {
  if (trouble.kind === "offline") return t("offline");
  return (trouble.kind === "refused" && trouble.message) || t("broken");
}

export interface Said {
  words: string;
  kind: "notice" | "error";
  count: number;
}

const SHOWN_FOR = 7_000; // milliseconds

/** The last thing that was done. In Zendesk the host shows it, and this only says it. */
export function Toast({ said, shown }: { said: Said | null; shown: boolean }) {
  const [gone, setGone] = useState(0);
  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => setGone(said.count), SHOWN_FOR);
    return () => clearTimeout(timer);
  }, [said]);
  const words = said && said.count !== gone ? said.words : "";
  return (
    <div className={shown && words ? `toast ${said?.kind}` : "hidden"} role={said?.kind === "error" ? "alert" : "status"}>
      {words}
    </div>
  );
}

function Mark() {
  return (
    <svg className="mark" viewBox="0 0 48 48" width="48" height="48" aria-hidden="true" focusable="false">
      <rect x="10" y="6" width="22" height="32" rx="2" fill="none" stroke="currentColor" strokeWidth="2.5" />
      <circle cx="27" cy="23" r="1.8" fill="currentColor" />
      <path d="M5 38h32" stroke="currentColor" strokeWidth="2.5" strokeLinecap="round" />
      <path d="M28 31h14v11H28zM28 34.5h14M35 31v3.5" fill="var(--card)" stroke="currentColor" strokeWidth="2" strokeLinejoin="round" />
    </svg>
  );
}
