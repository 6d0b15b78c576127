import { expect, test } from "vitest";
import { memoryOf } from "../../src/shared/memory";
import { eventIdOf, hostKeyOf } from "../../src/shared/page_address";

test.each([
  ["/e/abcd2345", "abcd2345"],
  ["/studio/abcd2345/", "abcd2345"],
  ["/e/", null],
  ["/e/ABCD", null],
  ["/e/abc", null],
  ["/e/abcd/more", null],
  ["/listen.html", null],
])("%s names event %s", (path, id) => {
  expect(eventIdOf(path)).toBe(id);
});

test.each([
  ["#key=s3cret-_", "s3cret-_"],
  ["#other=1&key=a", "a"],
  ["#key=", null],
  ["", null],
])("%s holds key %s", (hash, key) => {
  expect(hostKeyOf(hash)).toBe(key);
});

test("where storage is forbidden, nothing is remembered and nothing breaks", () => {
  const memory = memoryOf(() => {
    throw new Error("SecurityError");
  });
  memory.set("ticket", "x");
  expect(memory.get("ticket")).toBeNull();
});
