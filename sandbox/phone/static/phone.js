// The buyer's phone: one thread per buyer, ticks, photos, a buzz for every new text.

import { attempt, get, gently, h, post } from "./http.js";
import { castMember, choose, clockTime, dayName, on, prettyPhone, tell, world, zoneOf } from "./world.js";

const bubbles = document.getElementById("bubbles");
const people = document.getElementById("people");
const device = document.getElementById("device");
const tray = document.getElementById("tray");
const picker = document.getElementById("picker");
const opener = document.getElementById("open-picker");
const field = document.getElementById("text");
const announce = document.getElementById("announce");

const SAMPLES = [
  ["tight-waist.jpg", "Trousers, tight at the waist"],
  ["torn-seam.jpg", "Jacket with a torn seam"],
  ["parcel.jpg", "Parcel at the door"],
  ["cracked-mug.jpg", "Cracked mug"],
];
const QUICK = ["Yep, got it", "The waist feels tight. Is that normal?", "Didn’t arrive", "HELP", "STOP"];
const TICKS = { sent: "✓", delivered: "✓✓", read: "✓✓", received: "✓✓" };

let chosenPhotos = []; // { name } of a sample, or { file }
let threads = [];
const unread = new Set();
const heard = new Set(); // sids that have buzzed already
let firstDraw = true;

function bubble(message, previous) {
  const zone = zoneOf(world.buyer);
  const at = new Date(message.at);
  const gap = !previous || at - new Date(previous.at) > 3600_000;
  const items = [];
  if (gap) {
    items.push(h("li", { class: "moment" }, `${dayName(at, zone)} ${clockTime(at, zone)}`));
  }
  const photos = message.media.map((one) => one.content_type.startsWith("image/")
    ? h("button", { type: "button", class: "photo", "aria-label": "Look at the photo", onclick: () => enlarge(one.sid) },
      h("img", { src: `/twilio/_ui/media/${one.sid}`, alt: "Photo in the thread", onload: settle }))
    : h("span", { class: "file" }, one.content_type));
  items.push(h("li", { class: message.mine ? "mine" : "theirs", "data-sid": message.sid },
    h("span", { class: "hidden" }, message.mine ? "You: " : message.automatic ? "Carrier: " : "Shop: "),
    ...photos,
    message.body ? h("p", { class: message.automatic ? "automatic" : "" }, message.body) : null,
    h("small", {}, message.automatic ? "from the carrier" : clockTime(at, zone),
      message.mine ? h("i", { title: message.status }, ` ${TICKS[message.status] || ""}`) : null)));
  return items;
}

let atEnd = true;

// A photo takes its room only when it is loaded.
function settle() {
  if (atEnd) bubbles.scrollTop = bubbles.scrollHeight;
}

function draw(thread) {
  const arrived = thread.messages.filter((one) => one.arrived);
  atEnd = firstDraw || bubbles.scrollHeight - bubbles.scrollTop - bubbles.clientHeight < 120;
  const items = arrived.flatMap((message, index) => bubble(message, arrived[index - 1]));
  if (!items.length) {
    items.push(h("li", { class: "moment quiet" },
      "No texts yet. When a parcel arrives, and it is a decent hour here, a text will buzz."));
  }
  if (thread.opted_out) items.push(h("li", { class: "moment quiet" }, "Texts from this number are blocked. START opens it again."));
  bubbles.replaceChildren(...items);
  settle();
  const fresh = arrived.filter((one) => !one.mine && !heard.has(one.sid));
  fresh.forEach((one) => heard.add(one.sid));
  if (fresh.length && !firstDraw) buzz(fresh.at(-1));
  firstDraw = false;
  if (arrived.some((one) => one.mine && one.media.length)) tell("step", { done: "photo" });
  if (thread.opted_out) tell("step", { done: "stop" });
  document.getElementById("line-number").textContent = prettyPhone(thread.line || world.about.phone);
}

function buzz(message) {
  device.classList.remove("buzz");
  requestAnimationFrame(() => device.classList.add("buzz"));
  navigator.vibrate?.([60, 40, 60]);
  announce.textContent = `New text: ${message.body || "photo"}`;
  document.getElementById("tab-phone").classList.add("news");
}

const refresh = gently(async () => {
  if (!world.buyer) return;
  const buyer = world.buyer;
  try {
    const thread = await get(`/twilio/_ui/threads/${encodeURIComponent(buyer)}`);
    if (buyer === world.buyer) draw(thread);
  } catch { /* the next event tries again */ }
}, 60);

const refreshPeople = gently(async () => {
  try {
    threads = (await get("/twilio/_ui/threads")).threads;
    drawPeople();
  } catch { /* the next event tries again */ }
}, 250);

function drawPeople() {
  const known = world.about.cast.filter((one) => one.phone).map((one) => one.phone);
  const others = threads.map((one) => one.buyer).filter((phone) => !known.includes(phone)).slice(0, 4);
  people.replaceChildren(...[...known, ...others].map((phone) => h("button", {
    type: "button",
    "aria-pressed": String(phone === world.buyer),
    class: unread.has(phone) ? "unread" : "",
    onclick: () => choose(phone),
  }, castMember(phone)?.name.split(" ")[0] ?? prettyPhone(phone),
  unread.has(phone) ? h("span", { class: "hidden" }, " (new text)") : null)));
}

function drawTray() {
  tray.hidden = !chosenPhotos.length;
  tray.replaceChildren(...chosenPhotos.map((photo, index) => h("span", {},
    h("img", { src: photo.name ? `/static/photos/${photo.name}` : photo.url, alt: photo.label }),
    h("button", {
      type: "button",
      "aria-label": `Remove ${photo.label}`,
      onclick: () => { chosenPhotos.splice(index, 1); drawTray(); },
    }, "×"))));
}

function add(photo) {
  if (chosenPhotos.length < 10) chosenPhotos.push(photo);
  drawTray();
  showPicker(false);
  field.focus();
}

function showPicker(open) {
  picker.hidden = !open;
  opener.setAttribute("aria-expanded", String(open));
  if (open) picker.querySelector("button")?.focus();
}

function buildPicker() {
  const upload = h("input", { type: "file", accept: "image/*", multiple: true, class: "hidden", id: "upload", tabindex: "-1" });
  upload.addEventListener("change", () => {
    for (const file of upload.files) add({ file, url: URL.createObjectURL(file), label: file.name });
    upload.value = "";
  });
  picker.replaceChildren(
    ...SAMPLES.map(([name, label]) => h("button", { type: "button", "aria-label": label, title: label, onclick: () => add({ name, label }) },
      h("img", { src: `/static/photos/${name}`, alt: "", loading: "lazy" }))),
    h("button", { type: "button", class: "upload", onclick: () => upload.click() }, "Your own photo"),
    upload);
}

function enlarge(sid) {
  document.getElementById("viewer-image").src = `/twilio/_ui/media/${sid}`;
  document.getElementById("viewer").showModal();
}

async function send(body) {
  const form = new FormData();
  form.set("from", world.buyer);
  form.set("to", threads.find((one) => one.buyer === world.buyer)?.line || world.about.phone);
  form.set("body", body);
  for (const photo of chosenPhotos) {
    if (photo.file) form.append("photo", photo.file);
    else form.append("media", photo.name);
  }
  await post("/twilio/_actions/text", form);
  chosenPhotos = [];
  drawTray();
  field.value = "";
  grow();
}

function grow() {
  field.style.height = "auto";
  field.style.height = `${Math.min(field.scrollHeight, 110)}px`;
}

export function startPhone() {
  buildPicker();
  document.getElementById("chips").replaceChildren(...QUICK.map((text) =>
    h("button", { type: "button", onclick: () => { field.value = text; grow(); field.focus(); } }, text)));
  document.getElementById("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!field.value.trim() && !chosenPhotos.length) return;
    attempt(document.getElementById("send"), () => send(field.value));
    field.focus();
  });
  field.addEventListener("input", grow);
  new ResizeObserver(settle).observe(bubbles); // the picker and the tray take room from the thread
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      document.getElementById("composer").requestSubmit();
    }
  });
  opener.addEventListener("click", () => showPicker(picker.hidden));
  picker.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { showPicker(false); opener.focus(); }
  });
  on("message", (data) => {
    if (data.buyer === world.buyer) refresh();
    else if (data.status === "sent") unread.add(data.buyer);
    refreshPeople();
  });
  on("chosen", ({ phone }) => {
    unread.delete(phone);
    firstDraw = true;
    const member = castMember(phone);
    document.getElementById("phone-place").textContent =
      member ? `${member.name}, ${member.city} ${member.state}` : prettyPhone(phone);
    drawPeople();
    refresh();
  });
  on("shown", ({ panel }) => { if (panel === "phone") { atEnd = true; settle(); } });
  on("resync", () => { heard.clear(); firstDraw = true; refresh(); refreshPeople(); });
  refreshPeople();
}
