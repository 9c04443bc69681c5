import { Card } from "./Card";
import { Chip } from "./Chip";
import { useDesk } from "./context";
import { momentOf } from "./times";
import { useWords } from "./texts";

const TONES = { open: "warn", kept: "good", broken: "bad", released: "plain" } as const;

/** What the buyer was told would happen, and whether it did. */
export function PromisesCard() {
  const { thread, now } = useDesk();
  const words = useWords();
  const { t } = words;
  if (thread.promises.length === 0) return null;
  return (
    <Card title={t("promises")}>
      <ul className="promises">
        {thread.promises.map((one) => (
          <li key={one.id}>
            <p>{one.words}</p>
            <Chip tone={TONES[one.state]}>{t(`promise_${one.state}`, { time: momentOf(one.due_at, now, words) })}</Chip>
          </li>
        ))}
      </ul>
    </Card>
  );
}
