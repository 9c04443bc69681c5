import { IconButton } from "@zendeskgarden/react-buttons";
import { Body, Close, Header, Modal } from "@zendeskgarden/react-modals";
import { useEffect } from "react";
import { BeforeIcon, NextIcon } from "./icons";
import { useWords } from "./texts";
import type { Photo } from "./thread";

export type StoredPhoto = Photo & { url: string };

export interface Shown {
  photos: StoredPhoto[];
  at: number;
  name: string;
}

/** A photo as large as the window allows; arrow keys go through those of the same text. */
export function PhotoViewer({ shown, onMove, onClose }: {
  shown: Shown;
  onMove: (shown: Shown) => void;
  onClose: () => void;
}) {
  const { t } = useWords();
  const { photos, at, name } = shown;
  const photo = photos[at];
  const step = (by: number) => {
    if (photos[at + by]) onMove({ ...shown, at: at + by });
  };
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "ArrowRight") step(1);
      if (event.key === "ArrowLeft") step(-1);
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  });
  if (!photo) return null;
  return (
    <Modal isLarge onClose={onClose}>
      <Header>{t("photo", { number: at + 1, name })}</Header>
      <Body className="viewer">
        <img src={photo.url} alt={t("photo", { number: at + 1, name })} />
        {photos.length > 1 && (
          <div className="viewer-steps">
            <IconButton aria-label={t("photo_before")} disabled={at === 0} onClick={() => step(-1)}><BeforeIcon /></IconButton>
            <span className="figures">{at + 1} / {photos.length}</span>
            <IconButton aria-label={t("photo_next")} disabled={at === photos.length - 1} onClick={() => step(1)}><NextIcon /></IconButton>
          </div>
        )}
      </Body>
      <Close aria-label={t("close")} />
    </Modal>
  );
}
