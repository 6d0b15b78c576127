import { describe, expect, test } from "vitest";
import { furthest, isCalled, linePollMs, peopleAhead, roundly, waitRange } from "../../src/listen/place";
import type { LineFacts } from "../../src/shared/line_facts";

const line: LineFacts = {
  serving: { share: 0, arrival: 0 },
  waiting: 1_000,
  joining: 0,
  rate: 10,
  pace: 0,
  arrivals: [
    [1_000, 0],
    [2_000, 400],
    [3_000, 1_000],
  ],
};
const middle = (): number => 0.5;

describe("people ahead", () => {
  test.each([
    ["at the end", 3_000, 0, 1_000],
    ["after the end of the curve", 9_000, 0, 1_000],
    ["in the middle of a step", 2_500, 0, 700],
    ["with some called", 2_500, 1_500, 500],
    ["called", 1_500, 1_500, 0],
    ["before everybody", 500, 0, 0],
  ])("%s", (_name, arrival, called, ahead) => {
    expect(peopleAhead(arrival, line, { share: 0, arrival: called })).toBe(ahead);
  });

  test("never more than wait at all", () => {
    expect(peopleAhead(3_000, { ...line, waiting: 10 }, line.serving)).toBe(10);
  });

  test("without a curve nobody is known of", () => {
    expect(peopleAhead(3_000, { ...line, arrivals: [] }, line.serving)).toBe(0);
  });
});

describe("the wait", () => {
  test("is a range around people by rate", () => {
    expect(waitRange(100, 10, false)).toEqual({ from: 7_000, to: 15_000 });
  });

  test("is not told for a full house or a line that does not move", () => {
    expect(waitRange(100, 10, true)).toBeNull();
    expect(waitRange(100, 0, false)).toBeNull();
  });

  test("sets the next look: a tenth of it, 1 s to 30 s, a fifth either way", () => {
    expect(linePollMs(1_000, line, false, middle)).toBeCloseTo(10_000);
    expect(linePollMs(1, line, false, middle)).toBe(1_000);
    expect(linePollMs(1e6, line, false, middle)).toBe(30_000);
    expect(linePollMs(1e6, line, false, () => 0)).toBe(24_000);
  });

  test("of a line that stands still sets the next look by how fast it could move", () => {
    const still = { ...line, rate: 0, pace: 100 };
    expect(linePollMs(10, still, false, middle)).toBe(1_000);
    expect(linePollMs(10_000, still, false, middle)).toBeCloseTo(10_000);
    expect(linePollMs(10, { ...still, pace: 0 }, false, middle)).toBe(30_000);
  });

  test("at a full house those at the head look every 5 s, whatever the rate was", () => {
    const full = { ...line, rate: 1, pace: 100 };
    expect(linePollMs(0, full, true, middle)).toBe(5_000);
    expect(linePollMs(4_000, full, true, middle)).toBe(5_000);
    expect(linePollMs(20_000, full, true, middle)).toBeCloseTo(20_000);
    expect(linePollMs(1e6, full, true, middle)).toBe(30_000);
    expect(linePollMs(0, { ...full, pace: 0 }, true, middle)).toBe(30_000);
    expect(linePollMs(1_000, full, false, middle)).toBe(5_000); // slow: it may move at any moment
    expect(linePollMs(20, full, false, middle)).toBe(2_000);
  });
});

test("a threshold that was seen stays, each for itself", () => {
  expect(furthest({ share: 5, arrival: 10 }, { share: 3, arrival: 20 })).toEqual({ share: 5, arrival: 20 });
  expect(furthest(null, { share: 1, arrival: 2 })).toEqual({ share: 1, arrival: 2 });
});

test("the moment of the threshold itself is called", () => {
  expect(isCalled(10, { share: 0, arrival: 10 })).toBe(true);
  expect(isCalled(11, { share: 0, arrival: 10 })).toBe(false);
});

test.each([
  [0.4, 0],
  [7.2, 7],
  [19, 19],
  [123, 120],
  [4_567, 4_600],
  [96_500, 97_000],
])("%d is said as %d", (count, said) => {
  expect(roundly(count)).toBe(said);
});
