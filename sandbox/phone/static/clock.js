// The top bar's clock: sandbox time where the shown buyer lives, and "let time pass".

import { attempt, post } from "./http.js";
import { castMember, clockTime, dayName, now, on, tell, world, zoneOf } from "./world.js";

const time = document.getElementById("clock-time");
const day = document.getElementById("clock-day");
const note = document.getElementById("clock-note");
const deviceTime = document.getElementById("device-time");

function ahead(seconds) {
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor((seconds % 86400) / 3600);
  const minutes = Math.round((seconds % 3600) / 60);
  return [days && `${days} d`, hours && `${hours} h`, minutes && `${minutes} min`].filter(Boolean).join(" ");
}

function draw() {
  const zone = zoneOf(world.buyer);
  const moment = now();
  time.textContent = clockTime(moment, zone);
  time.dateTime = moment.toISOString();
  day.textContent = dayName(moment, zone);
  deviceTime.textContent = clockTime(moment, zone).replace(/ [AP]M$/, "");
  const place = castMember(world.buyer)?.city;
  const where = place ? `in ${place}` : "Eastern time";
  note.textContent = world.offset ? `${where}, ${ahead(world.offset)} ahead` : where;
}

export function startClock() {
  document.querySelector(".passing").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const body = button.dataset.local
      ? { to_local: button.dataset.local, zone: zoneOf(world.buyer) }
      : { advance_seconds: Number(button.dataset.advance) };
    attempt(button, () => post("/sandbox/clock", body));
  });
  on("clock", (data) => {
    world.offset = data.offset_seconds;
    draw();
    document.querySelector(".clock").classList.remove("moved");
    requestAnimationFrame(() => document.querySelector(".clock").classList.add("moved"));
    if (data.offset_seconds > 0) tell("step", { done: "time" });
  });
  on("chosen", draw);
  draw();
  setInterval(draw, 1000);
}
