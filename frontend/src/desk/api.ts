/* The calls to our server. One that does not succeed is a Refusal, which says of what kind it is:
   the session ended, the network is gone, or the server refused in a sentence made for agents. */

import type { Session } from "./session";
import type { Estimate, Thread } from "./thread";

export type RefusalKind = "ended" | "offline" | "nothing" | "refused" | "broken";
export type Move = "take-over" | "hand-back" | "resolve" | "reopen";

export class Refusal extends Error {
  constructor(
    readonly kind: RefusalKind,
    message: string,
    readonly code = "",
  ) {
    super(message);
  }
}

const PATIENCE = 20_000; // milliseconds

export class DeskApi {
  private etag = "";

  constructor(private readonly session: Session) {}

  /** The thread of this ticket or page; null when it is as it was at the last reading. */
  async readThread(ticketId: number | null): Promise<Thread | null> {
    const of = ticketId === null ? `conversation_id=${this.session.conversation_id}` : `ticket_id=${ticketId}`;
    const answer = await this.send("GET", `/api/desk/thread?${of}`, undefined, this.etag);
    if (answer.status === 304) return null;
    const thread = (await answer.json()) as Thread;
    this.etag = answer.headers.get("ETag") ?? "";
    return thread;
  }

  /** Makes the next reading a whole one. */
  forget(): void {
    this.etag = "";
  }

  /** `key` is the same for each try of one reply, so that a buyer gets it once. `name` signs it. */
  async reply(conversation: number, reply: { text: string; key: string; name: string }): Promise<void> {
    await this.send("POST", `/api/desk/threads/${conversation}/replies`, reply);
  }

  async estimate(conversation: number, text: string): Promise<Estimate> {
    const answer = await this.send("POST", `/api/desk/threads/${conversation}/estimate`, { text });
    return (await answer.json()) as Estimate;
  }

  async optOut(conversation: number): Promise<string> {
    const answer = await this.send("POST", `/api/desk/threads/${conversation}/opt-out`, {});
    return ((await answer.json()) as { message: string }).message;
  }

  async move(conversation: number, move: Move): Promise<Thread> {
    const answer = await this.send("POST", `/api/desk/threads/${conversation}/${move}`, {});
    this.forget();
    return (await answer.json()) as Thread;
  }

  private async send(method: string, path: string, body?: unknown, etag = ""): Promise<Response> {
    const headers: Record<string, string> = { Authorization: `Bearer ${this.session.token}` };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (etag) headers["If-None-Match"] = etag;
    let answer: Response;
    try {
      answer = await fetch(path, {
        method,
        headers,
        cache: "no-store",
        credentials: "omit",
        signal: AbortSignal.timeout(PATIENCE),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch {
      throw new Refusal("offline", "");
    }
    if (answer.ok || answer.status === 304) return answer;
    throw await refusalOf(answer);
  }
}

async function refusalOf(answer: Response): Promise<Refusal> {
  const said = (await answer.json().catch(() => null)) as { error?: string; message?: string } | null;
  const message = said?.message ?? "";
  if (answer.status === 401) return new Refusal("ended", message);
  if (answer.status === 404) return new Refusal("nothing", message);
  if (answer.status < 500 && message) return new Refusal("refused", message, said?.error);
  return new Refusal("broken", message);
}
