// The drawer with the fault switches, and "start afresh".

import { attempt, get, h, post, remove, say } from "./http.js";
import { on, tell } from "./world.js";

const dialog = document.getElementById("faults");
const list = document.getElementById("fault-list");
const count = document.getElementById("fault-count");
const MEANINGS = {
  latency: "answers slowly",
  429: "too many requests (429)",
  "5xx": "error before acting (503)",
  cut_connection: "line cut before acting",
  timeout_after_acting: "acts, then no answer",
  "5xx_after_acting": "acts, then answers 503",
  duplicate: "webhooks twice",
  reorder: "webhooks late and out of order",
  drop: "webhooks lost",
  carrier_backlog: "carrier takes no texts",
};

async function refresh() {
  const { faults, kinds } = await get("/sandbox/faults");
  const field = document.getElementById("fault-kind");
  if (!field.options.length) {
    field.replaceChildren(...kinds.map((kind) => h("option", { value: kind }, MEANINGS[kind] || kind)));
  }
  count.hidden = !faults.length;
  count.textContent = faults.length;
  document.getElementById("open-faults").classList.toggle("on", faults.length > 0);
  list.replaceChildren(...faults.map((fault) => h("li", {},
    h("span", {}, `${fault.vendor}: ${MEANINGS[fault.kind] || fault.kind}`,
      h("small", { class: "faint" }, `${fault.operation || "everywhere"}, struck ${fault.hits} times`)),
    h("button", {
      type: "button",
      onclick: (event) => attempt(event.target, () => remove(`/sandbox/faults?id=${fault.id}`)),
    }, "Off"))));
}

export function startFaults() {
  const form = document.getElementById("fault-form");
  document.getElementById("open-faults").addEventListener("click", () => { refresh(); dialog.showModal(); });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(form));
    attempt(form.querySelector(".primary"), () => post("/sandbox/faults", {
      vendor: given.vendor,
      kind: given.kind,
      seconds: Number(given.seconds),
      rate: Number(given.rate),
      count: given.count ? Number(given.count) : null,
    }));
  });
  document.getElementById("reset").addEventListener("click", (event) => attempt(event.target, async () => {
    if (!window.confirm("Empty the sandbox? Orders, texts and tickets will be gone.")) return;
    await post("/sandbox/reset");
    tell("forget");
    dialog.close();
    say("The sandbox is empty. Run the set-up again to connect the shop: python -m sandbox.setup");
  }));
  on("faults", () => refresh().catch(() => {}));
  on("resync", () => refresh().catch(() => {}));
  refresh().catch(() => {});
}
