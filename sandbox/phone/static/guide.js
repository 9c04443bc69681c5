// Six steps for newcomers, ticked off as they happen, by whatever way they happen.

import { h } from "./http.js";
import { on } from "./world.js";

const STEPS = [
  ["order", "Place an order", "#order-form .primary"],
  ["deliver", "Carrier says delivered", "#orders .deliver"],
  ["time", "Let time pass", ".passing button[data-local]"],
  ["photo", "Answer with a photo", "#open-picker"],
  ["reply", "Reply from the helpdesk", "#reply"],
  ["stop", "Text STOP", "#chips button:last-child"],
];
const KEY = "doorstep-sandbox-steps";
const PANEL_OF = { order: "shop", deliver: "shop", photo: "phone", reply: "desk", stop: "phone" };

const list = document.getElementById("guide");
const done = new Set(JSON.parse(localStorage.getItem(KEY) || "[]"));
let show = () => {};

function draw() {
  const next = STEPS.find(([key]) => !done.has(key))?.[0];
  list.replaceChildren(...STEPS.map(([key, label, target], index) =>
    h("li", { class: done.has(key) ? "done" : key === next ? "next" : "" },
      h("button", {
        type: "button",
        "aria-current": key === next ? "step" : null,
        onclick: () => point(key, target),
      },
      h("b", { "aria-hidden": "true" }, done.has(key) ? "✓" : String(index + 1)),
      h("span", {}, label),
      done.has(key) ? h("span", { class: "hidden" }, " (done)") : null))));
  const at = list.querySelector(".next");
  if (at) list.scrollLeft = at.offsetLeft - list.offsetLeft;
}

function point(key, target) {
  show(PANEL_OF[key]);
  const element = document.querySelector(target);
  if (!element) return;
  element.scrollIntoView({ block: "center", behavior: "smooth" });
  element.focus({ preventScroll: true });
  element.classList.remove("here");
  requestAnimationFrame(() => element.classList.add("here"));
}

export function startGuide(showPanel) {
  show = showPanel;
  on("step", ({ done: key }) => {
    if (done.has(key)) return;
    done.add(key);
    localStorage.setItem(KEY, JSON.stringify([...done]));
    draw();
  });
  on("forget", () => {
    done.clear();
    localStorage.removeItem(KEY);
    draw();
  });
  document.getElementById("guide-hide").addEventListener("click", () => {
    document.querySelector(".guide").hidden = true;
  });
  draw();
}
