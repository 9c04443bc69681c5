import { Button } from "@zendeskgarden/react-buttons";
import { Body, Close, Footer, FooterItem, Header, Modal } from "@zendeskgarden/react-modals";
import { useState } from "react";
import { Card } from "./Card";
import { Chip } from "./Chip";
import { useDesk } from "./context";
import { dateOf } from "./times";
import { useWords, type TextKey, type Words } from "./texts";
import { en } from "./texts/en";

const TONES = { granted: "good", opted_out: "bad", none: "plain" } as const;
const VERDICTS = { yes: "good", no: "bad", later: "warn" } as const;

/** May we text them, why, and what proves it; and the button that ends it. */
export function ConsentCard() {
  const { thread } = useDesk();
  const words = useWords();
  const { t } = words;
  const [asking, setAsking] = useState(false);
  const { consent } = thread;
  return (
    <Card title={t("consent")} aside={<Chip tone={TONES[consent.state]}>{t(`consent_${consent.state}`)}</Chip>}>
      <p><Chip tone={VERDICTS[consent.may_text.verdict]}>{t(`may_${consent.may_text.verdict}`)}</Chip> {consent.may_text.words}</p>
      <p className="facts quiet">
        {consent.since && <span>{t("consent_since", { time: dateOf(consent.since, words) })}</span>}
        {consent.source && <span>{t("consent_source", { source: sourceWords(consent.source, words) })}</span>}
        {consent.evidence_id && <span>{t("consent_evidence", { id: consent.evidence_id })}</span>}
      </p>
      {consent.wording && (
        <details>
          <summary>{t("consent_wording")}</summary>
          <blockquote>{consent.wording}</blockquote>
        </details>
      )}
      {thread.abilities.includes("opt_out") && consent.state !== "opted_out" && (
        <div className="row"><Button size="small" isDanger onClick={() => setAsking(true)}>{t("opt_out")}</Button></div>
      )}
      {asking && <OptOutQuestion onClose={() => setAsking(false)} />}
    </Card>
  );
}

/** The server names its sources by codes; one that is news to this page is shown as it is. */
function sourceWords(source: string, { t }: Words): string {
  const key = `source_${source}`;
  return key in en ? t(key as TextKey) : source;
}

/** Says exactly what will happen before it does. */
function OptOutQuestion({ onClose }: { onClose: () => void }) {
  const { api, thread, read, say, fail } = useDesk();
  const { t } = useWords();
  const [busy, setBusy] = useState(false);
  const { buyer } = thread;

  async function optOut() {
    setBusy(true);
    try {
      const done = await api.optOut(thread.conversation_id);
      onClose();
      say(done);
      await read();
    } catch (refusal) {
      setBusy(false);
      fail(refusal, "not_done");
    }
  }

  return (
    <Modal role="alertdialog" onClose={onClose}>
      <Header isDanger>{t("opt_out_title", { name: buyer.first_name ?? buyer.phone_shown })}</Header>
      <Body>
        <p>{t("opt_out_what")}</p>
        <ul className="what">
          <li>{t("opt_out_1", { phone: buyer.phone_shown })}</li>
          <li>{t("opt_out_2")}</li>
          <li>{t("opt_out_3")}</li>
          <li>{t("opt_out_4")}</li>
        </ul>
      </Body>
      <Footer>
        <FooterItem><Button isBasic onClick={onClose}>{t("cancel")}</Button></FooterItem>
        <FooterItem><Button isPrimary isDanger disabled={busy} onClick={() => void optOut()}>{t("opt_out_yes")}</Button></FooterItem>
      </Footer>
      <Close aria-label={t("close")} />
    </Modal>
  );
}
