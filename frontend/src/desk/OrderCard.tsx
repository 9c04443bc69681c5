import { useState } from "react";
import { Card } from "./Card";
import { Chip } from "./Chip";
import { useDesk } from "./context";
import { BoxIcon, ShirtIcon } from "./icons";
import { dateOf } from "./times";
import { useWords } from "./texts";
import type { Line, Order, Parcel } from "./thread";

/** What was ordered, in pictures and sizes, and where it is. */
export function OrderCard() {
  const { thread } = useDesk();
  const words = useWords();
  const { t } = words;
  const { order, other_orders: others } = thread;
  return (
    <Card
      title={order ? `${t("order")} ${order.name}` : t("order")}
      aside={order?.admin_url && <Outside href={order.admin_url}>{t("order_admin")}</Outside>}
    >
      {order ? <OrderBody order={order} /> : (
        <div className="nothing">
          <strong>{t("order_none")}</strong>
          <p>{t("order_none_why")}</p>
        </div>
      )}
      {others.length > 0 && (
        <details>
          <summary>{t("orders_other")} ({others.length})</summary>
          <ul className="others">
            {others.map((one) => (
              <li key={one.name}>
                <span>{one.name}</span><span>{dateOf(one.placed_at, words)}</span><span className="figures">{one.total}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </Card>
  );
}

function OrderBody({ order }: { order: Order }) {
  const words = useWords();
  const { t } = words;
  return (
    <>
      <p className="facts">
        <span>{t("order_placed", { time: dateOf(order.placed_at, words) })}</span>
        <span>{order.status}</span>
        <span className="figures">{order.total}</span>
        {order.status_page_url && <Outside href={order.status_page_url}>{t("order_page")}</Outside>}
      </p>
      <ul className="lines" aria-label={t("lines")}>
        {order.lines.map((line, at) => <LineItem key={at} line={line} />)}
      </ul>
      <h3>{t(order.parcels.length > 1 ? "parcels" : "parcel")}</h3>
      {order.parcels.length === 0 && <p className="quiet">{t("parcel_none")}</p>}
      <ul className="parcels">
        {order.parcels.map((parcel, at) => <ParcelItem key={at} parcel={parcel} />)}
      </ul>
    </>
  );
}

function LineItem({ line }: { line: Line }) {
  const { t } = useWords();
  const [broken, setBroken] = useState(false);
  const options = Object.entries(line.options);
  return (
    <li>
      {line.image_url && !broken
        ? <img src={line.image_url} alt="" referrerPolicy="no-referrer" onError={() => setBroken(true)} />
        : <span className="no-picture"><ShirtIcon /></span>}
      <div>
        <p className="line-title">{line.quantity > 1 && `${t("quantity", { count: line.quantity })} `}{line.title}</p>
        <p className="tags">
          {options.length > 0
            ? options.map(([name, value]) => <Chip key={name}>{name} {value}</Chip>)
            : line.variant && <Chip>{line.variant}</Chip>}
        </p>
        {line.sku && <p className="quiet">{t("sku", { sku: line.sku })}</p>}
      </div>
    </li>
  );
}

const TONES = { on_the_way: "calm", arrived: "good", problem: "bad" } as const;

function ParcelItem({ parcel }: { parcel: Parcel }) {
  const { t } = useWords();
  const which = [parcel.carrier, parcel.number].filter(Boolean).join(" ");
  return (
    <li>
      <BoxIcon />
      <div>
        <p>{parcel.words} <Chip tone={TONES[parcel.state]}>{t(`parcel_${parcel.state}`)}</Chip></p>
        <p className="quiet figures">
          {parcel.url ? <Outside href={parcel.url} label={`${t("parcel_track")}: ${which}`}>{which || t("parcel_track")}</Outside> : which}
        </p>
      </div>
    </li>
  );
}

/** Only addresses of the web: what a carrier or a shop tells us is not ours. */
function Outside({ href, label, children }: { href: string; label?: string; children: string }) {
  if (!/^https?:\/\//i.test(href)) return <>{children}</>;
  return <a href={href} target="_blank" rel="noopener noreferrer" aria-label={label}>{children}</a>;
}
