/* Zendesk's app framework (ZAF v2), as far as the desk uses it, with types.

   The SDK is Zendesk's script, fetched from their CDN as they ask. Where that address cannot be
   reached (the sandbox on a train, the tests) the stand-in beside this file speaks to the host in
   its place. Reference: developer.zendesk.com, "Apps Core API" and "Apps Support API". */

export const SDK = "https://static.zdassets.com/zendesk_app_framework_sdk/2.0/zaf_sdk.min.js";
const SDK_PATIENCE = 4_000; // milliseconds
const HOST_PATIENCE = 8_000;

/** What the SDK's client offers, and the stand-in too. */
export interface ZafClient {
  get(paths: string | string[]): Promise<Record<string, unknown>>;
  invoke(action: string, ...values: unknown[]): Promise<unknown>;
  on(event: string, handler: (said: unknown) => void): void;
}

interface ZafSdk {
  init(): ZafClient | false | undefined;
}

declare global {
  interface Window {
    ZAFClient?: ZafSdk;
  }
}

export type Scheme = "light" | "dark";

export interface Host {
  ticketId: number;
  /** Who is signed in to Zendesk; empty where it does not say. */
  agentName: string;
  locale: string;
  scheme: Scheme | null;
  onScheme(tell: (scheme: Scheme) => void): void;
  /** Zendesk gives a sidebar app the height that it asks for. */
  resize(height: number): void;
  notify(words: string, kind: "notice" | "error"): void;
  /** Adds to the reply that the agent is writing in the ticket; sends nothing. */
  insert(text: string): Promise<void>;
}

/** Meets the host. Rejects when no host answers in time. */
export async function meetHost(page: Window = window): Promise<Host> {
  const client = (await loadSdk(page)).init();
  if (!client) throw new Error("not inside Zendesk");
  const ticket = await soon(client.get("ticket.id"));
  const ticketId = Number(ticket["ticket.id"]);
  if (!Number.isInteger(ticketId) || ticketId <= 0) throw new Error("no ticket is open");
  // What a host does not know is not worth failing for.
  const perhaps = (path: string) => soon(client.get(path)).then((said) => said[path], () => null);
  const [currentUser, colorScheme] = await Promise.all([perhaps("currentUser"), perhaps("colorScheme")]);
  const user = (currentUser ?? {}) as { name?: unknown; locale?: unknown };
  return {
    ticketId,
    agentName: typeof user.name === "string" ? user.name : "",
    locale: typeof user.locale === "string" ? user.locale : "",
    scheme: schemeOf(colorScheme),
    onScheme: (tell) =>
      client.on("colorScheme.changed", (said) => {
        const told = schemeOf(said);
        if (told) tell(told);
      }),
    resize: (height) => {
      client.invoke("resize", { width: "100%", height: `${height}px` }).catch(() => undefined);
    },
    notify: (words, kind) => {
      client.invoke("notify", words, kind).catch(() => undefined);
    },
    insert: async (text) => {
      await client.invoke("ticket.comment.appendText", text);
    },
  };
}

function schemeOf(said: unknown): Scheme | null {
  return said === "dark" || said === "light" ? said : null;
}

async function loadSdk(page: Window): Promise<ZafSdk> {
  if (page.ZAFClient) return page.ZAFClient;
  await fromCdn(page.document);
  return page.ZAFClient ?? (await import("./zafStandIn")).standIn(page);
}

function fromCdn(page: Document): Promise<void> {
  return new Promise((resolve) => {
    const script = page.createElement("script");
    script.src = SDK;
    script.onload = script.onerror = () => resolve();
    setTimeout(resolve, SDK_PATIENCE);
    page.head.append(script);
  });
}

function soon<T>(promise: Promise<T>): Promise<T> {
  return Promise.race([
    promise,
    new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error("the host does not answer")), HOST_PATIENCE);
    }),
  ]);
}
