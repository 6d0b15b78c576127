import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

const page = (name: string): string => resolve(import.meta.dirname, name);

export default defineConfig({
  build: {
    // The gateway's policy is `default-src 'self'`: nothing may become a data: URL, and no inline polyfill.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: {
        index: page("index.html"),
        listen: page("listen.html"),
        studio: page("studio.html"),
      },
    },
  },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
