// What all panels share: who is who, whose phone is shown, what time it is, and what has happened.

const listeners = new Map();

export const world = {
  about: null,
  buyer: null, // the phone number that is shown
  offset: 0, // seconds by which the sandbox is ahead of real time
};

export function on(kind, act) {
  if (!listeners.has(kind)) listeners.set(kind, []);
  listeners.get(kind).push(act);
}

export function tell(kind, data = {}) {
  for (const act of listeners.get(kind) || []) act(data);
}

export const now = () => new Date(Date.now() + world.offset * 1000);

export const castMember = (phone) => world.about?.cast.find((one) => one.phone === phone) ?? null;

export const zoneOf = (phone) => castMember(phone)?.zone ?? "America/New_York";

export function choose(phone) {
  if (!phone || phone === world.buyer) return;
  world.buyer = phone;
  tell("chosen", { phone });
}

export const clockTime = (date, zone) =>
  new Intl.DateTimeFormat("en-US", { hour: "numeric", minute: "2-digit", timeZone: zone }).format(date);

export const dayName = (date, zone) =>
  new Intl.DateTimeFormat("en-US", { weekday: "short", month: "short", day: "numeric", timeZone: zone })
    .format(date);

export function prettyPhone(phone) {
  const parts = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(phone || "");
  return parts ? `(${parts[1]}) ${parts[2]}-${parts[3]}` : phone || "";
}
