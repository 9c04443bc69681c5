/* Who looks, and at what: the island that the server fills into the page it serves. */

export interface Session {
  surface: "zendesk" | "page";
  /** Ours, signed, 60 minutes; goes with every call as a bearer token. */
  token: string;
  locale?: string;
  /** Only on the page of a signed link, which shows this one conversation. */
  conversation_id?: number;
}

export function readSession(page: Document): Session | null {
  try {
    const said: unknown = JSON.parse(page.getElementById("desk-session")?.textContent ?? "null");
    return isSession(said) ? said : null;
  } catch {
    return null;
  }
}

function isSession(said: unknown): said is Session {
  if (typeof said !== "object" || said === null) return false;
  const { surface, token, conversation_id } = said as Record<string, unknown>;
  if (typeof token !== "string" || !token) return false;
  return surface === "zendesk" || (surface === "page" && typeof conversation_id === "number");
}
