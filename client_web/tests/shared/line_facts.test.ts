import { describe, expect, test } from "vitest";
import { parseLine, parseMoves } from "../../src/shared/line_facts";

describe("parseLine", () => {
  test("without thresholds there is no line", () => {
    expect(parseLine({ serving: null, waiting: 3 })).toBeNull();
    expect(parseLine({})).toBeNull();
  });

  test("reads thresholds, figures and the curve", () => {
    const fields = {
      serving: { share: 7, arrival: 5000, trail: [] },
      waiting: 12,
      joining: 2,
      rate: 1.5,
      pace: 200,
      arrivals: [
        [1000, 0],
        [9000, 30],
      ],
    };
    expect(parseLine(fields)).toEqual({
      serving: { share: 7, arrival: 5000 },
      waiting: 12,
      joining: 2,
      rate: 1.5,
      pace: 200,
      arrivals: [
        [1000, 0],
        [9000, 30],
      ],
    });
  });

  test("what makes no sense counts as nothing", () => {
    expect(parseLine({ serving: { arrival: "x" }, waiting: -1, arrivals: [[1], "a", [1, "2"]] })).toEqual({
      serving: { share: 0, arrival: 0 },
      waiting: 0,
      joining: 0,
      rate: 0,
      pace: 0,
      arrivals: [],
    });
  });
});

describe("parseMoves", () => {
  const move = { shard: 7, fraction: 0.5, seed: "s", deadline: "1970-01-01T00:00:10Z" };

  test("reads moves, with or without the second from which they count", () => {
    expect(parseMoves([move, { ...move, since: "1970-01-01T00:00:04Z" }])).toEqual([
      { shard: 7, fraction: 0.5, seed: "s", deadline: 10_000, since: null },
      { shard: 7, fraction: 0.5, seed: "s", deadline: 10_000, since: 4_000 },
    ]);
  });

  test.each([null, "x", [null], [{ ...move, deadline: "soon" }], [{ ...move, shard: "7" }], [{}]])(
    "%j is no move",
    (value) => {
      expect(parseMoves(value)).toEqual([]);
    },
  );
});
