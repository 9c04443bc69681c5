/* Times as an agent reads them: in their own zone, and no longer than is needed to tell them apart. */

import type { Words } from "./texts";

export function dayOf(at: string, now: Date, { t, locale }: Words): string {
  const date = new Date(at);
  const days = daysBetween(date, now);
  if (days === 0) return t("today");
  if (days === 1) return t("yesterday");
  const year = date.getFullYear() === now.getFullYear() ? {} : { year: "numeric" as const };
  return date.toLocaleDateString(locale, { weekday: "short", day: "numeric", month: "short", ...year });
}

export function clockOf(at: string, { locale }: Words): string {
  return new Date(at).toLocaleTimeString(locale, { hour: "numeric", minute: "2-digit" });
}

/** "14:10" today, "Tue 24 Nov, 14:10" otherwise. */
export function momentOf(at: string, now: Date, words: Words): string {
  const clock = clockOf(at, words);
  return daysBetween(new Date(at), now) === 0 ? clock : `${dayOf(at, now, words)}, ${clock}`;
}

export function dateOf(at: string, { locale }: Words): string {
  return new Date(at).toLocaleDateString(locale, { day: "numeric", month: "short", year: "numeric" });
}

/** "12 min": how long ago, in the largest unit that says enough; nothing within the first minute. */
export function sinceOf(at: string, now: Date, { locale }: Words): string {
  const minutes = Math.floor((now.getTime() - new Date(at).getTime()) / 60_000);
  if (minutes < 1) return "";
  const [count, unit] =
    minutes < 60 ? [minutes, "minute"] : minutes < 48 * 60 ? [Math.floor(minutes / 60), "hour"] : [Math.floor(minutes / 1440), "day"];
  return new Intl.NumberFormat(locale, { style: "unit", unit: unit as string, unitDisplay: "short" }).format(count as number);
}

function daysBetween(date: Date, now: Date): number {
  const midnight = (one: Date) => new Date(one.getFullYear(), one.getMonth(), one.getDate()).getTime();
  return Math.round((midnight(now) - midnight(date)) / 86_400_000);
}
