/* Stands in for Zendesk's SDK where their CDN cannot be reached. Of our own writing; it speaks the
   messages that the SDK and its host exchange (JSON strings by postMessage), and only what zaf.ts
   needs: the handshake, get, invoke and events. Whom it speaks to is in the address, as for the SDK:
   `?origin=https://acme.zendesk.com&app_guid=…`. */

import type { ZafClient } from "./zaf";

type Answer = { resolve: (said: Record<string, unknown>) => void; reject: (why: Error) => void };

export function standIn(page: Window): { init(): ZafClient | false } {
  return {
    init() {
      const asked = new URLSearchParams(page.location.search);
      const origin = asked.get("origin") ?? "";
      const appGuid = asked.get("app_guid") ?? "";
      if (!isHost(origin) || !appGuid || page.parent === page) return false;
      return connect(page, origin, appGuid);
    },
  };
}

function connect(page: Window, origin: string, appGuid: string): ZafClient {
  const open = new Map<number, Answer>();
  const handlers = new Map<string, ((said: unknown) => void)[]>();
  const waiting: object[] = [];
  let registered = false;
  let lastId = 0;

  const post = (message: object) => {
    const said = JSON.stringify({ ...message, appGuid, instanceGuid: appGuid });
    page.parent.postMessage(said, origin);
  };
  const postOnceRegistered = (message: object) => {
    if (registered) post(message);
    else waiting.push(message);
  };
  const ask = (request: "get" | "invoke", params: unknown) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      lastId += 1;
      open.set(lastId, { resolve, reject });
      postOnceRegistered({ id: lastId, request, params });
    });

  page.addEventListener("message", (event) => {
    if (event.origin !== origin || event.source !== page.parent) return;
    const said = parsed(event.data);
    if (!said) return;
    const answer = typeof said.id === "number" ? open.get(said.id) : undefined;
    if (answer) {
      open.delete(said.id as number);
      if (said.error) answer.reject(new Error(wordsOf(said.error)));
      else answer.resolve((said.result ?? {}) as Record<string, unknown>);
      return;
    }
    if (typeof said.key !== "string" || !said.key.startsWith("zaf.")) return;
    const name = said.key.slice("zaf.".length);
    if (name === "app.registered") {
      registered = true;
      waiting.splice(0).forEach(post);
    }
    handlers.get(name)?.forEach((tell) => tell(said.message));
  });
  post({ key: "iframe.handshake", message: { version: "stand-in" } });

  return {
    get: async (paths) => {
      const result = await ask("get", Array.isArray(paths) ? paths : [paths]);
      refuseErrors(result, paths);
      return result;
    },
    invoke: async (action, ...values) => {
      const result = await ask("invoke", { [action]: values });
      refuseErrors(result, action);
      return result;
    },
    on: (event, handler) => {
      const known = [...(handlers.get(event) ?? []), handler];
      handlers.set(event, known);
      postOnceRegistered({ key: `iframe.on:${event}`, message: { subscriberCount: known.length } });
    },
  };
}

/** The host tells of single paths that failed beside those that did not. */
function refuseErrors(result: Record<string, unknown>, asked: string | string[]): void {
  const errors = (result.errors ?? {}) as Record<string, unknown>;
  if (typeof asked === "string" && errors[asked]) throw new Error(wordsOf(errors[asked]));
}

function wordsOf(error: unknown): string {
  const { message } = (error ?? {}) as { message?: unknown };
  return typeof message === "string" ? message : String(error);
}

function isHost(origin: string): boolean {
  return /^https:\/\/[a-z0-9-]+\.zendesk\.com$/.test(origin) || /^http:\/\/(localhost|127\.0\.0\.1)(:\d+)?$/.test(origin);
}

function parsed(data: unknown): Record<string, unknown> | null {
  try {
    const said: unknown = typeof data === "string" ? JSON.parse(data) : data;
    return typeof said === "object" && said !== null ? (said as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
