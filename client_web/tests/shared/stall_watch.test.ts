import { expect, test } from "vitest";
import { StallWatch } from "../../src/shared/stall_watch";

test("a counter that grows is never stalled", () => {
  const watch = new StallWatch();
  for (let step = 0; step < 40; step++) expect(watch.note(step, step * 250)).toBe(0);
});

test("counts from the last growth it saw", () => {
  const watch = new StallWatch();
  watch.note(10, 1000);
  watch.note(11, 1250);
  expect(watch.note(11, 1500)).toBe(250);
  expect(watch.note(11, 2750)).toBe(1500);
  expect(watch.note(12, 3000)).toBe(0);
});

test("the first reading is no stall, whatever it is", () => {
  expect(new StallWatch().note(0, 60_000)).toBe(0);
});

test("a late reading of a counter that went on is no stall", () => {
  const watch = new StallWatch();
  watch.note(10, 0);
  expect(watch.note(500, 60_000)).toBe(0);
});
