/* The beginning: who looks is in the page, which ticket is open is Zendesk's to say. */

import { createRoot, type Root } from "react-dom/client";
import { DeskApi } from "./api";
import "./desk.css";
import "./parts.css";
import { DeskPage, useHostHeight } from "./DeskPage";
import { Frame } from "./Frame";
import { Loading, Notice } from "./states";
import { readSession, type Session } from "./session";
import { wordsFor, type TextKey } from "./texts";
import { meetHost, type Host } from "./zaf";

function Whole({ api, host }: { api: DeskApi; host: Host | null }) {
  useHostHeight(host);
  return <DeskPage api={api} host={host} />;
}

async function begin(root: Root, session: Session | null): Promise<void> {
  let words = wordsFor(session?.locale, ...navigator.languages);
  const giveUp = (title: TextKey, why: TextKey) => {
    root.render(<Frame host={null} words={words}><Notice title={words.t(title)}><p>{words.t(why)}</p></Notice></Frame>);
  };
  if (!session) return giveUp("no_session", "no_session_why");
  root.render(<Frame key="before" host={null} words={words}><Loading /></Frame>);
  let host: Host | null = null;
  if (session.surface === "zendesk") {
    try {
      host = await meetHost();
      words = wordsFor(host.locale, session.locale);
    } catch {
      return giveUp("no_host", "no_host_why");
    }
  }
  root.render(<Frame key="desk" host={host} words={words}><Whole api={new DeskApi(session)} host={host} /></Frame>);
}

const place = document.getElementById("desk");
if (place) void begin(createRoot(place), readSession(document));
