import { expect, test } from "vitest";
import type { Move } from "../../src/shared/line_facts";
import { hostMoveFor } from "../../src/studio/mover";

const NOW = 1_000_000;
const move: Move = { shard: 7, fraction: 0, seed: "seed", deadline: NOW + 25_000, since: NOW };
const seat = (token: string) => ({ shard: 7, token, seatedAt: 0 });

test("every host of the stage is asked, whatever share of its listeners is meant and since when", () => {
  for (let number = 0; number < 100; number++) {
    expect(hostMoveFor(seat(`token-${number}`), [move], NOW)?.id).toBe("7/seed");
  }
});

test("hosts go in the first fifth of the time, so that further tries are left", () => {
  const waits = Array.from({ length: 100 }, (_, n) => hostMoveFor(seat(`t${n}`), [move], NOW)?.after ?? -1);
  expect(Math.min(...waits)).toBeGreaterThan(0);
  expect(Math.max(...waits)).toBeLessThanOrEqual(5_000);
});

test("nobody goes from another stage, or without one", () => {
  expect(hostMoveFor({ ...seat("a"), shard: 8 }, [move], NOW)).toBeNull();
  expect(hostMoveFor(null, [move], NOW)).toBeNull();
});
