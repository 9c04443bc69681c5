import { Card } from "./Card";
import { Chip } from "./Chip";
import { useDesk } from "./context";
import { useWords } from "./texts";

/** The buyer's hours for texts that nobody asked for. */
export function ClockCard() {
  const { thread } = useDesk();
  const { t } = useWords();
  const { clock } = thread;
  return (
    <Card
      title={t("clock")}
      aside={<Chip tone={clock.open ? "good" : "plain"}>{t(clock.open ? "clock_open" : "clock_closed")}</Chip>}
    >
      <p>{clock.words}</p>
      <p className="quiet">{t("clock_note")}</p>
    </Card>
  );
}
