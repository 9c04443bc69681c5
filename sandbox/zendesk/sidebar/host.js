// Zendesk's side of the app framework's messages, for one app in one ticket's sidebar.
// App to host: {key: "iframe.handshake"}, {key: "iframe.on:EVENT"}, {id, request: "get"|"set"|"invoke",
// params}, {key: "request:N"}. Host to app: {key: "zaf.EVENT", message}, {id, result | error}.

const asked = new URLSearchParams(location.search);
const frame = document.getElementById("app");
const form = document.getElementById("open");
const dark = document.getElementById("dark");
const notice = document.getElementById("notice");

let visit = null;
let hearing = new Map(); // event → how many handlers the app has for it

// What the app asked for, readable by whoever tests it.
window.heard = [];

async function open() {
  const answer = await fetch(`tickets/${Number(asked.get("ticket"))}/app?agent=${asked.get("agent") || "priya"}`);
  if (!answer.ok) return tell("This ticket is not there any more.", "error");
  visit = await answer.json();
  hearing = new Map();
  document.getElementById("about").textContent = `Ticket #${visit.known["ticket.id"]}, ${visit.known.currentUser.name}`;
  form.action = visit.url;
  form.elements.token.value = visit.token;
  form.submit();
}

function tell(words, kind) {
  notice.textContent = words;
  notice.className = kind || "notice";
  notice.hidden = false;
  clearTimeout(tell.timer);
  tell.timer = setTimeout(() => { notice.hidden = true; }, 6000);
}

const scheme = () => (dark.checked ? "dark" : "light");

function showScheme() {
  document.documentElement.dataset.scheme = scheme();
  if (hearing.get("colorScheme.changed")) post({ key: "zaf.colorScheme.changed", message: scheme() });
}

function post(message) {
  frame.contentWindow.postMessage(JSON.stringify(message), new URL(visit.url).origin);
}

function read(paths) {
  const result = { errors: {} };
  const known = { ...visit.known, colorScheme: scheme() };
  for (const path of paths) {
    if (path in known) result[path] = known[path];
    else result.errors[path] = { name: "Error", path, message: "could not be found" };
  }
  return result;
}

const ACTIONS = {
  // The sidebar gives an app with `flexible` all the height there is; what was asked is only heard.
  resize: () => undefined,
  notify: (words, kind) => tell(words, kind),
  track: () => undefined, // the SDK's own: it tells Zendesk of each click in an app
  "ticket.comment.appendText": (text) => {
    window.parent.postMessage({ doorstepSandbox: "append-text", text }, location.origin);
  },
};

function act(actions) {
  const result = { errors: {} };
  for (const [name, values] of Object.entries(actions)) {
    if (ACTIONS[name]) result[name] = ACTIONS[name](...values) ?? null;
    else result.errors[name] = { name: "Error", path: name, message: "could not be found" };
  }
  return result;
}

window.addEventListener("message", (event) => {
  if (!visit || event.source !== frame.contentWindow || event.origin !== new URL(visit.url).origin) return;
  let said;
  try { said = JSON.parse(event.data); } catch { return; }
  if (said.appGuid !== visit.app_guid) return;
  window.heard.push(said);
  if (said.key === "iframe.handshake") {
    const context = { product: "support", location: "ticket_sidebar", ticketId: visit.known["ticket.id"], instanceGuid: visit.app_guid, account: { subdomain: visit.subdomain } };
    const metadata = { appId: 0, name: "Doorstep", installationId: visit.installation_id, version: "1.0.0", settings: {} };
    post({ key: "zaf.app.registered", message: { metadata, context } });
  } else if (said.key?.startsWith("iframe.on:")) {
    hearing.set(said.key.slice("iframe.on:".length), said.message?.subscriberCount || 0);
  } else if (said.request === "get") {
    post({ id: said.id, result: read(said.params) });
  } else if (said.request === "invoke") {
    post({ id: said.id, result: act(said.params) });
  } else if (said.request) {
    post({ id: said.id, error: { name: "Error", message: `${said.request} is not known here` } });
  } else if (said.key?.startsWith("request:")) {
    post({ key: `zaf.${said.key}.fail`, message: { responseArgs: [{ status: 0, responseText: "" }] } });
  }
});

dark.checked = (asked.get("scheme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
dark.addEventListener("change", showScheme);
document.getElementById("again").addEventListener("click", open);
showScheme();
open();
