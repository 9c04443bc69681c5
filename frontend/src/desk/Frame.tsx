/* Theme and language around everything. Zendesk says whether it is dark; elsewhere the system does. */

import { DEFAULT_THEME, ThemeProvider } from "@zendeskgarden/react-theming";
import { useEffect, useMemo, useState, type ReactNode } from "react";
import { WordsContext, type Words } from "./texts";
import type { Host, Scheme } from "./zaf";

export function Frame({ host, words, children }: { host: Host | null; words: Words; children: ReactNode }) {
  const scheme = useScheme(host);
  useEffect(() => {
    document.documentElement.dataset.scheme = scheme;
    document.documentElement.lang = words.locale;
  }, [scheme, words]);
  const theme = useMemo(
    () => ({ ...DEFAULT_THEME, colors: { ...DEFAULT_THEME.colors, base: scheme, primaryHue: "kale" } }),
    [scheme],
  );
  return (
    <ThemeProvider theme={theme}>
      <WordsContext value={words}>{children}</WordsContext>
    </ThemeProvider>
  );
}

function useScheme(host: Host | null): Scheme {
  const system = useMemo(() => window.matchMedia("(prefers-color-scheme: dark)"), []);
  const [scheme, setScheme] = useState<Scheme>(host?.scheme ?? (system.matches ? "dark" : "light"));
  useEffect(() => {
    if (host) host.onScheme(setScheme);
    if (host?.scheme) return;
    const follow = () => setScheme(system.matches ? "dark" : "light");
    system.addEventListener("change", follow);
    return () => system.removeEventListener("change", follow);
  }, [host, system]);
  return scheme;
}
