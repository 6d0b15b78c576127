import { expect, test } from "vitest";
import { parseLocalTime } from "../../src/landing/form_time";

test("a local time is read in the reader's own zone", () => {
  expect(parseLocalTime("2030-05-01T18:30")).toBe(new Date(2030, 4, 1, 18, 30).getTime());
});

test.each(["", "tomorrow", "2030-13-40T99:99"])("%j is no time", (value) => {
  expect(parseLocalTime(value)).toBeNull();
});
