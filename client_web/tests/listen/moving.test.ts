import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { moveFor, type Seat } from "../../src/listen/moving";
import type { Move } from "../../src/shared/line_facts";

const NOW = 1_000_000;
const seat = (token: string, seatedAt = NOW): Seat => ({ shard: 7, token, seatedAt });
const move = (change: Partial<Move> = {}): Move => ({
  shard: 7,
  fraction: 1,
  seed: "seed",
  deadline: NOW + 15_000,
  since: null,
  ...change,
});
const draw = (seed: string, token: string): number => {
  const digest = createHash("sha256")
    .update(seed + token)
    .digest();
  return Number(digest.readBigUInt64BE(0)) / 2 ** 64;
};
const tokens = Array.from({ length: 500 }, (_, number) => `token-${number}`);

describe("who moves", () => {
  test("exactly those whose draw is below the fraction", () => {
    for (const token of tokens) {
      const asked = moveFor(seat(token), [move({ fraction: 0.3 })], NOW) !== null;
      expect(asked, token).toBe(draw("seed", token) < 0.3);
    }
  });

  test("nobody on another shard, nobody without a seat, nobody without a move", () => {
    expect(moveFor(seat("a"), [move({ shard: 8 })], NOW)).toBeNull();
    expect(moveFor(null, [move()], NOW)).toBeNull();
    expect(moveFor(seat("a"), [], NOW)).toBeNull();
  });

  test("with a second in it: the older stay, the newer go, that second is drawn", () => {
    const newest = move({ since: NOW, fraction: 0.5 });
    const asked = (token: string, seatedAt: number): boolean =>
      moveFor(seat(token, seatedAt), [newest], NOW) !== null;
    for (const token of tokens.slice(0, 50)) {
      expect(asked(token, NOW - 1)).toBe(false);
      expect(asked(token, NOW + 1_000)).toBe(true);
      expect(asked(token, NOW + 500)).toBe(draw("seed", token) < 0.5);
    }
  });
});

describe("when", () => {
  test("spread before the deadline, with time left for a second try", () => {
    const waits = tokens.map((token) => moveFor(seat(token), [move()], NOW)?.after ?? -1);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(200);
    expect(Math.max(...waits)).toBeLessThanOrEqual(12_000);
    const early = waits.filter((wait) => wait < 6_000).length;
    expect(early).toBeGreaterThan(200);
    expect(early).toBeLessThan(300);
  });

  test("at once when the deadline has passed", () => {
    expect(moveFor(seat("a"), [move({ deadline: NOW - 5 })], NOW)?.after).toBe(200);
  });

  test("another seed is another move, another seat of the same listener is not", () => {
    const id = (token: string, seed: string) => moveFor(seat(token), [move({ seed })], NOW)?.id;
    expect(id("b", "s")).toBe(id("a", "s"));
    expect(id("a", "t")).not.toBe(id("a", "s"));
  });
});
