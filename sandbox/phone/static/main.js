// The page: fetch who is who, start the panels, listen to what happens.

import { startClock } from "./clock.js";
import { startDesk } from "./desk.js";
import { startFaults } from "./faults.js";
import { startGuide } from "./guide.js";
import { attempt, get, post, say } from "./http.js";
import { startPhone } from "./phone.js";
import { startShop } from "./shop.js";
import { choose, tell, world } from "./world.js";

const KINDS = ["message", "phones", "shopify_order", "shopify_customer", "shopify_webhook", "zendesk", "gorgias", "clock",
  "faults", "resync"];
const PANELS = ["shop", "phone", "desk"];
const live = document.getElementById("live");

function showPanel(name) {
  if (!PANELS.includes(name)) return;
  document.body.dataset.panel = name;
  for (const one of PANELS) {
    const tab = document.getElementById(`tab-${one}`);
    tab.setAttribute("aria-selected", String(one === name));
    tab.tabIndex = one === name ? 0 : -1;
    if (one === name) tab.classList.remove("news");
  }
  tell("shown", { panel: name });
}

function startTabs() {
  const bar = document.querySelector(".tabs");
  bar.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) showPanel(tab.getAttribute("aria-controls"));
  });
  bar.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = PANELS[(PANELS.indexOf(document.body.dataset.panel) + step + 3) % 3];
    showPanel(next);
    document.getElementById(`tab-${next}`).focus();
  });
  showPanel("shop");
}

function listen() {
  const events = new EventSource("/sandbox/events");
  let lost = false;
  for (const kind of KINDS) {
    events.addEventListener(kind, (event) => tell(kind, JSON.parse(event.data)));
  }
  events.addEventListener("hello", () => {
    live.textContent = "live";
    live.className = "live on";
    if (lost) tell("resync");
    lost = false;
  });
  events.addEventListener("error", () => {
    live.textContent = "reconnecting";
    live.className = "live";
    lost = true;
  });
}

async function start() {
  world.about = await get("/sandbox/about");
  world.offset = world.about.offset_seconds;
  startTabs();
  startGuide(showPanel);
  startFaults();
  startShop();
  startPhone();
  startDesk();
  choose(world.about.cast[0].phone);
  startClock();
  document.getElementById("open-app").addEventListener("click", (event) => {
    event.preventDefault();
    // The tab is opened by the click itself: one opened after the wait would be blocked.
    const tab = window.open("about:blank", "_blank");
    attempt(null, async () => {
      try {
        const { url } = await post("/shopify/_actions/open_app");
        if (tab) tab.location = url;
      } catch (error) {
        tab?.close();
        throw error;
      }
    });
  });
  listen();
}

start().catch((error) => say(error.message));
