import { useState } from "react";
import { useDesk } from "./context";
import { deliveryOf } from "./delivery";
import { TickIcon } from "./icons";
import type { Shown, StoredPhoto } from "./PhotoViewer";
import { clockOf } from "./times";
import { useWords, type Words } from "./texts";
import type { Message } from "./thread";

/** One text: who wrote it and when, its words and photos, and what became of it. */
export function MessageItem({ message, onPhoto, onGrown }: {
  message: Message;
  onPhoto: (shown: Shown) => void;
  onGrown: () => void;
}) {
  const { thread } = useDesk();
  const words = useWords();
  const { t } = words;
  const name = authorOf(message, thread.buyer.first_name, words);
  const delivery = deliveryOf(message);
  const stored = message.photos.filter((photo): photo is StoredPhoto => photo.state === "stored" && photo.url !== null);
  return (
    <li className={`text ${message.direction} by-${message.author}`} id={`text-${message.id}`}>
      <p className="text-head">
        <strong>{name}</strong> <time dateTime={message.at}>{clockOf(message.at, words)}</time>
      </p>
      {stored.length > 0 && (
        <div className="photos">
          {stored.map((photo, at) => (
            <PhotoButton
              key={photo.id}
              photo={photo}
              label={t("photo_open", { number: at + 1, name })}
              onOpen={() => onPhoto({ photos: stored, at, name })}
              onGrown={onGrown}
            />
          ))}
        </div>
      )}
      {message.photos.some((photo) => photo.state === "loading") && <p className="quiet">{t("photo_loading")}</p>}
      {message.photos.some((photo) => photo.state === "missing") && <p className="quiet">{t("photo_missing")}</p>}
      {message.body && <p className="bubble" dir="auto">{message.body}</p>}
      {message.direction === "out" && delivery.tick !== "none" && (
        <p className={`fate ${delivery.wrong ? "wrong" : ""} ${delivery.tick}`}>
          <TickIcon tick={delivery.tick} />
          <span>
            {t(delivery.words)}{message.reason ? `: ${message.reason}` : ""}
            {message.segments > 1 && <span className="quiet"> · {t("segments", { count: message.segments })}</span>}
          </span>
        </p>
      )}
    </li>
  );
}

/** Each reading brings a fresh address for the same photo. The first one is kept while it works, so
    that the picture does not flicker; where it has run out, the newest is tried. */
function PhotoButton({ photo, label, onOpen, onGrown }: {
  photo: StoredPhoto;
  label: string;
  onOpen: () => void;
  onGrown: () => void;
}) {
  const { t } = useWords();
  const [url, setUrl] = useState(photo.url);
  const [broken, setBroken] = useState("");
  if (broken === photo.url) return <span className="photo-gone">{t("photo_gone")}</span>;
  return (
    <button type="button" className="photo" aria-label={label} onClick={onOpen}>
      <img
        src={url}
        alt=""
        onLoad={onGrown}
        onError={() => {
          setBroken(url);
          setUrl(photo.url);
        }}
      />
    </button>
  );
}

export function authorOf(message: Message, firstName: string | null, { t }: Words): string {
  if (message.author_name) return message.author_name;
  if (message.author === "contact") return firstName ?? t("from_buyer");
  return t(`from_${message.author}`);
}
