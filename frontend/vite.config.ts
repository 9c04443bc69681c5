/* One page for now: the desk. Built into dist/desk, whose files the web process serves under
   /desk/; in the tests a DOM without a browser. */

import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: "src/desk",
  base: "/desk/",
  plugins: [react()],
  build: {
    outDir: "../../dist/desk",
    emptyOutDir: true,
    assetsInlineLimit: 0, // the pages' policy lets no data: address be a script or a style
    modulePreload: { polyfill: false },
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: "react", test: /node_modules\/(react|react-dom|scheduler)\// }] } } },
  },
  test: { root: ".", include: ["src/**/*.test.{ts,tsx}"], environment: "happy-dom" },
});
