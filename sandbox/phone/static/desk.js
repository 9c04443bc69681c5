// The agent's side: tickets, the conversation with notes set apart, a reply box, and in its place
// Doorstep's app, as Zendesk shows it in the ticket's sidebar.

import { attempt, get, gently, h, post } from "./http.js";
import { safeHtml } from "./safe.js";
import { clockTime, dayName, on, tell, world, zoneOf } from "./world.js";

const list = document.getElementById("tickets");
const pane = document.getElementById("ticket");
const STATUSES = { zendesk: ["open", "pending", "hold", "solved"], gorgias: ["open", "closed"] };

let chosen = null; // id of the ticket that is shown
let drawn = ""; // what the pane shows, so that nothing is redrawn under the agent's hands
let inApp = false; // whether the app is shown instead of the conversation
let draft = { body: "", public: true, author: "priya" };

const base = () => `/${world.about.helpdesk}/${world.about.helpdesk_account}/_ui/tickets`;

const initials = (name) => (name || "?").split(/\s+/).map((word) => word[0]).slice(0, 2).join("").toUpperCase();

function when(text) {
  const date = new Date(text);
  const zone = zoneOf(world.buyer);
  return `${dayName(date, zone)}, ${clockTime(date, zone)}`;
}

function row(ticket) {
  return h("li", {},
    h("button", {
      type: "button",
      "aria-pressed": String(ticket.id === chosen),
      onclick: () => open(ticket.id),
    },
    h("span", { class: `dot ${ticket.status}`, title: ticket.status }),
    h("span", { class: "subject" }, ticket.subject || `Ticket ${ticket.id}`),
    h("span", { class: "faint" }, `#${ticket.id} · ${ticket.status} · ${ticket.requester?.name || "buyer"}`)));
}

function attachment(one) {
  const url = new URL(one.url, location.href);
  const path = url.pathname + url.search;
  return one.content_type.startsWith("image/")
    ? h("a", { href: path, target: "_blank", rel: "noopener", class: "picture" },
      h("img", { src: path, alt: one.filename, onload: toEnd }))
    : h("a", { href: path, target: "_blank", rel: "noopener", class: "file" }, one.filename);
}

function comment(one) {
  const role = one.author.role === "end-user" ? "buyer" : "agent";
  return h("li", { class: `comment ${one.public ? "public" : "note"} ${role}` },
    h("span", { class: "avatar", "aria-hidden": "true" }, initials(one.author.name)),
    h("div", { class: "comment-body" },
      h("p", { class: "comment-head" },
        h("strong", {}, one.author.name),
        one.public ? null : h("b", { class: "badge note-badge" }, "Internal note"),
        h("span", { class: "faint" }, when(one.created_at))),
      h("div", { class: "prose" }, safeHtml(one.html)),
      one.attachments.length ? h("div", { class: "attachments" }, ...one.attachments.map(attachment)) : null));
}

function replyBox(ticket, agents) {
  const text = h("textarea", {
    id: "reply", rows: 3, placeholder: "Write to the buyer. It arrives as a text.",
    oninput: (event) => { draft.body = event.target.value; },
  });
  text.value = draft.body;
  const files = h("input", { type: "file", accept: "image/*", id: "reply-files" });
  const kinds = h("div", { class: "kinds", role: "radiogroup", "aria-label": "Kind of comment" },
    ...[["reply", "Public reply", true], ["note", "Internal note", false]].map(([id, label, isPublic]) =>
      h("label", {},
        h("input", {
          type: "radio", name: "kind", value: id, checked: draft.public === isPublic,
          onchange: () => {
            draft.public = isPublic;
            box.classList.toggle("note", !isPublic);
            text.placeholder = isPublic
              ? "Write to the buyer. It arrives as a text."
              : "Only the team sees this.";
          },
        }), label)));
  const author = h("select", { "aria-label": "Who writes", onchange: (event) => { draft.author = event.target.value; } },
    ...agents.map((one) => h("option", { value: one.key, selected: one.key === draft.author }, one.name)));
  const box = h("form", {
    class: `reply ${draft.public ? "" : "note"}`,
    onsubmit: (event) => {
      event.preventDefault();
      if (!draft.body.trim() && !files.files.length) return;
      attempt(box.querySelector(".primary"), () => submit(ticket.id, files.files));
    },
  },
  kinds,
  h("label", { class: "hidden", for: "reply" }, "Comment"),
  text,
  h("div", { class: "reply-row" },
    author,
    h("label", { class: "button quiet", for: "reply-files" }, "Attach"),
    files,
    h("button", { class: "primary" }, "Send")));
  files.classList.add("hidden");
  return box;
}

async function submit(id, files) {
  const form = new FormData();
  form.set("body", draft.body);
  form.set("public", String(draft.public));
  form.set("author", draft.author);
  for (const file of files) form.append("files", file);
  await post(`${base()}/${id}/comments`, form);
  draft.body = "";
  drawn = "";
  refresh();
}

function draw(ticket, agents) {
  // While the app is shown, new comments are its matter: it must not be loaded anew for them.
  const key = JSON.stringify([ticket.id, ticket.status, ticket.subject, inApp || ticket.comments]);
  if (key === drawn) return;
  const typing = document.activeElement?.id === "reply";
  drawn = key;
  const status = h("select", {
    "aria-label": "Status",
    onchange: (event) => attempt(event.target, () => post(`${base()}/${ticket.id}/status`, { status: event.target.value })),
  }, ...[...new Set([ticket.status, ...STATUSES[world.about.helpdesk]])].map((one) =>
    h("option", { value: one, selected: one === ticket.status }, one)));
  if (ticket.comments.some((one) => one.public && agents.some((agent) => agent.id === one.author.id))) {
    tell("step", { done: "reply" });
  }
  const closed = ticket.status === "closed" && world.about.helpdesk === "zendesk"; // for good
  pane.replaceChildren(
    h("header", { class: "ticket-head" },
      h("div", {},
        h("h3", {}, ticket.subject || `Ticket ${ticket.id}`),
        h("p", { class: "faint" },
          `#${ticket.id}${ticket.follow_up_of ? `, follows #${ticket.follow_up_of}` : ""}`
          + (ticket.assignee ? ` · ${ticket.assignee}` : ""))),
      world.about.helpdesk === "zendesk" ? appButton() : "",
      closed ? h("b", { class: "badge" }, "closed") : status),
    ...(inApp ? [appFrame(ticket)] : [
      h("ol", { class: "comments" }, ...ticket.comments.map(comment)),
      closed ? h("p", { class: "empty" }, "Closed tickets take no more comments.") : replyBox(ticket, agents),
    ]));
  toEnd();
  if (typing) document.getElementById("reply")?.focus();
}

function appButton() {
  return h("button", {
    type: "button", class: "quiet", "aria-pressed": String(inApp),
    onclick: () => { inApp = !inApp; drawn = ""; refresh(); },
  }, "Doorstep app");
}

function appFrame(ticket) {
  const source = `/zendesk/${world.about.helpdesk_account}/_ui/app?ticket=${ticket.id}&agent=${draft.author}`;
  return h("iframe", { class: "app-frame", title: "Apps of this ticket", src: source });
}

// The app asked to add to the reply that the agent is writing.
function onInsert(event) {
  if (event.origin !== location.origin || event.data?.doorstepSandbox !== "append-text") return;
  draft.body = [draft.body, event.data.text].filter(Boolean).join("\n");
  inApp = false;
  drawn = "";
  refresh();
}

function toEnd() {
  const comments = pane.querySelector(".comments");
  if (comments) comments.scrollTop = comments.scrollHeight;
}

function open(id) {
  if (id !== chosen) draft = { ...draft, body: "" };
  chosen = id;
  drawn = "";
  refresh();
}

const refresh = gently(async () => {
  try {
    const { tickets } = await get(base());
    if (!tickets.some((one) => one.id === chosen)) chosen = tickets[0]?.id ?? null;
    const focused = list.contains(document.activeElement);
    list.replaceChildren(...tickets.slice(0, 30).map(row));
    if (focused) list.querySelector("[aria-pressed=true]")?.focus();
    if (chosen === null) {
      drawn = "";
      pane.replaceChildren(h("div", { class: "empty desk-empty" },
        h("p", {}, "No tickets yet."),
        h("p", {}, "The first text from a buyer opens one, with the order beside it.")));
      return;
    }
    const { ticket, agents } = await get(`${base()}/${chosen}`);
    draw(ticket, agents);
  } catch { /* the next event tries again */ }
}, 150);

export function startDesk() {
  document.getElementById("desk-title").textContent = world.about.helpdesk === "gorgias" ? "Gorgias" : "Zendesk";
  document.getElementById("desk-name").textContent = world.about.helpdesk_account;
  window.addEventListener("message", onInsert);
  on(world.about.helpdesk, ({ ticket_id: id }) => {
    if (chosen === null) chosen = id;
    document.getElementById("tab-desk").classList.add("news");
    refresh();
  });
  on("shown", ({ panel }) => { if (panel === "desk") toEnd(); });
  on("resync", () => { chosen = null; drawn = ""; refresh(); });
  refresh();
}
