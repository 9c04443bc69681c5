import { Button } from "@zendeskgarden/react-buttons";
import { useId, useRef, useState, type KeyboardEvent } from "react";
import { BookIcon } from "./icons";
import { useWords } from "./texts";
import type { SavedReply } from "./thread";

/** A list that is searched by typing and walked by arrow keys (the ARIA combobox pattern). */
export function SavedReplies({ replies, onPick }: {
  replies: SavedReply[];
  onPick: (reply: SavedReply) => void;
}) {
  const { t } = useWords();
  const id = useId();
  const [open, setOpen] = useState(false);
  const [wanted, setWanted] = useState("");
  const [at, setAt] = useState(0);
  const opener = useRef<HTMLButtonElement>(null);
  const found = findReplies(replies, wanted);
  const chosen = found[Math.min(at, found.length - 1)];

  function close(refocus: boolean) {
    setOpen(false);
    setWanted("");
    setAt(0);
    if (refocus) opener.current?.focus();
  }

  function pick(reply: SavedReply | undefined) {
    if (!reply) return;
    close(false);
    onPick(reply);
  }

  function onKey(event: KeyboardEvent) {
    const moves: Record<string, () => void> = {
      ArrowDown: () => setAt((at + 1) % Math.max(1, found.length)),
      ArrowUp: () => setAt((at + found.length - 1) % Math.max(1, found.length)),
      Home: () => setAt(0),
      End: () => setAt(Math.max(0, found.length - 1)),
      Enter: () => pick(chosen),
      Escape: () => close(true),
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    move();
  }

  return (
    <div
      className="saved"
      onBlur={(event) => {
        if (open && !event.currentTarget.contains(event.relatedTarget)) close(false);
      }}
    >
      <Button
        ref={opener}
        size="small"
        isBasic
        aria-expanded={open}
        aria-controls={open ? `${id}-panel` : undefined}
        onClick={() => (open ? close(false) : setOpen(true))}
      >
        <Button.StartIcon><BookIcon /></Button.StartIcon>
        {t("saved")}
      </Button>
      {open && (
        <div className="saved-panel" id={`${id}-panel`}>
          {replies.length === 0 ? (
            <p className="quiet" tabIndex={-1} ref={(one) => one?.focus()} onKeyDown={onKey}>{t("saved_empty")}</p>
          ) : (
            <>
              <input
                autoFocus
                role="combobox"
                aria-expanded="true"
                aria-autocomplete="list"
                aria-controls={`${id}-list`}
                aria-activedescendant={chosen && `${id}-${chosen.id}`}
                aria-label={t("saved_find")}
                aria-describedby={`${id}-keys`}
                placeholder={t("saved_find")}
                value={wanted}
                onChange={(event) => { setWanted(event.target.value); setAt(0); }}
                onKeyDown={onKey}
              />
              <ul role="listbox" id={`${id}-list`} aria-label={t("saved")}>
                {found.map((reply) => (
                  <li
                    key={reply.id}
                    id={`${id}-${reply.id}`}
                    role="option"
                    aria-selected={reply === chosen}
                    ref={(one) => { if (reply === chosen) one?.scrollIntoView?.({ block: "nearest" }); }}
                    onMouseDown={(event) => { event.preventDefault(); pick(reply); }}
                  >
                    <strong>{reply.title}</strong>
                    <span>{reply.text}</span>
                  </li>
                ))}
              </ul>
              {found.length === 0 && <p className="quiet" role="status">{t("saved_none")}</p>}
              <p className="quiet keys" id={`${id}-keys`}>{t("saved_keys")}</p>
            </>
          )}
        </div>
      )}
    </div>
  );
}

/** Those that hold every word, wherever; the ones with it in their title first. */
export function findReplies(replies: SavedReply[], wanted: string): SavedReply[] {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  const has = (text: string) => words.every((word) => text.toLowerCase().includes(word));
  const inTitle = replies.filter((reply) => has(reply.title));
  return [...inTitle, ...replies.filter((reply) => !inTitle.includes(reply) && has(`${reply.title} ${reply.text}`))];
}
