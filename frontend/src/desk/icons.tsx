/* Small drawings; words beside them or a label on the button say the same. */

import type { ReactNode } from "react";
import type { Tick } from "./delivery";

function Drawing({ children, size = 16 }: { children: ReactNode; size?: number }) {
  return (
    <svg viewBox="0 0 16 16" width={size} height={size} fill="none" stroke="currentColor" strokeWidth="1.5"
      strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

const TICKS: Record<Exclude<Tick, "none">, ReactNode> = {
  clock: <><circle cx="8" cy="8" r="5.5" /><path d="M8 5v3l2 1.5" /></>,
  one: <path d="m3.5 8.5 3 3 6-7" />,
  two: <><path d="m1.5 8.5 3 3 6-7" /><path d="m7.5 11.5 6-7" /></>,
  bad: <><circle cx="8" cy="8" r="5.8" /><path d="M8 5v3.5M8 11v.1" /></>,
  doubt: <><circle cx="8" cy="8" r="5.8" /><path d="M6.3 6.4a1.8 1.8 0 1 1 2.4 1.7c-.5.2-.7.5-.7 1M8 11.4v.1" /></>,
};

export function TickIcon({ tick }: { tick: Exclude<Tick, "none"> }) {
  return <Drawing size={14}>{TICKS[tick]}</Drawing>;
}

export const BookIcon = () => <Drawing><path d="M3 3.5h4a1.5 1.5 0 0 1 1 .5 1.5 1.5 0 0 1 1-.5h4v9H9a1.5 1.5 0 0 0-1 .5 1.5 1.5 0 0 0-1-.5H3zM8 4v9" /></Drawing>;
export const CloseIcon = () => <Drawing><path d="m4 4 8 8M12 4l-8 8" /></Drawing>;
export const BoxIcon = () => <Drawing><path d="m8 2 5.5 2.7v6.6L8 14l-5.5-2.7V4.7zM2.5 4.7 8 7.5l5.5-2.8M8 7.5V14" /></Drawing>;
export const MoonIcon = () => <Drawing><path d="M13 9.7A5.5 5.5 0 1 1 6.3 3 4.4 4.4 0 0 0 13 9.7z" /></Drawing>;
export const SunIcon = () => <Drawing><circle cx="8" cy="8" r="2.8" /><path d="M8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M3.4 12.6l.7-.7M11.9 4.1l.7-.7" /></Drawing>;
export const ShirtIcon = () => <Drawing size={22}><path d="M5.5 2.5 2 4.5l1.2 3 1.3-.5v6.5h7V7l1.3.5 1.2-3-3.5-2a2.5 2.5 0 0 1-5 0z" /></Drawing>;
export const BeforeIcon = () => <Drawing><path d="m10 3-5 5 5 5" /></Drawing>;
export const NextIcon = () => <Drawing><path d="m6 3 5 5-5 5" /></Drawing>;
