import { describe, expect, test } from "vitest";
import { remaining, untilNextSecond } from "../../src/shared/countdown";
import { ServerClock } from "../../src/shared/server_clock";

const DAY = 86_400_000;

describe("remaining", () => {
  test("splits into days, hours, minutes and seconds", () => {
    const target = 2 * DAY + 3 * 3_600_000 + 4 * 60_000 + 5_000;
    expect(remaining(target, 0)).toEqual({ days: 2, hours: 3, minutes: 4, seconds: 5 });
  });

  test("shows a whole second until it has passed", () => {
    expect(remaining(1000, 1)).toEqual({ days: 0, hours: 0, minutes: 0, seconds: 1 });
    expect(remaining(60_000, 1)).toEqual({ days: 0, hours: 0, minutes: 1, seconds: 0 });
  });

  test.each([0, 1, DAY])("is over %i ms after the moment", (late) => {
    expect(remaining(5000, 5000 + late)).toBeNull();
  });
});

test.each([
  [10_000, 9_400, 600],
  [10_000, 9_000, 1000],
  [10_000, 8_999, 1],
])("with %i the target and %i now, the next second shows in %i ms", (target, now, wait) => {
  expect(untilNextSecond(target, now)).toBe(wait);
});

describe("ServerClock", () => {
  test("is right on a device whose clock is wrong", () => {
    const clock = new ServerClock();
    clock.note(1_900_000_000_000, 500);
    expect(clock.now(1500, 0)).toBe(1_900_000_001_000);
  });

  test("keeps the freshest of all notes: an old body cannot set it back", () => {
    const clock = new ServerClock();
    clock.note(100_000, 1000);
    clock.note(100_200, 2000); // 800 ms old when it came
    expect(clock.now(2000, 0)).toBe(101_000);
  });

  test("uses the device's clock until it knows better", () => {
    const clock = new ServerClock();
    clock.note(Number.NEGATIVE_INFINITY, 0);
    expect(clock.now(10, 77)).toBe(77);
  });
});
