import { describe, expect, test } from "vitest";
import {
  backoffDelay,
  HOST_BACKOFF,
  jitter,
  LISTENER_BACKOFF,
  obeyRetryAfter,
} from "../../src/shared/backoff";

const lowest = (): number => 0;
const highest = (): number => 0.999_999;

describe("backoffDelay", () => {
  test("the first retry comes within 300 ms", () => {
    expect(backoffDelay(1, LISTENER_BACKOFF, lowest)).toBe(0);
    expect(backoffDelay(1, LISTENER_BACKOFF, highest)).toBeLessThanOrEqual(300);
  });

  test.each([
    [2, 200, 400],
    [3, 400, 800],
    [4, 800, 1600],
    [5, 1250, 2500],
    [50, 1250, 2500],
  ])("after %i failures a listener waits %i to %i ms", (failures, least, most) => {
    expect(backoffDelay(failures, LISTENER_BACKOFF, lowest)).toBe(least);
    expect(backoffDelay(failures, LISTENER_BACKOFF, highest)).toBeCloseTo(most, 1);
  });

  test("the host never waits more than 2 s", () => {
    for (let failures = 1; failures < 40; failures++) {
      expect(backoffDelay(failures, HOST_BACKOFF, highest)).toBeLessThanOrEqual(2000);
    }
  });
});

test("a wait the server asked for is never cut short and at most a fifth longer", () => {
  expect(obeyRetryAfter(5000, lowest)).toBe(5000);
  expect(obeyRetryAfter(5000, highest)).toBeCloseTo(6000, 1);
});

test("jitter stays within a fifth on both sides", () => {
  expect(jitter(1000, lowest)).toBe(800);
  expect(jitter(1000, highest)).toBeCloseTo(1200, 1);
});
