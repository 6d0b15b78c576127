import { expect, test } from "vitest";
import { Overlap } from "../../src/studio/overlap";

const START = 10_000;

/** What is said every 250 ms of a session that connects and sends from the given times on. */
function watch(connectsAt: number, sendsAt: number, until: number, stopsAt = Number.POSITIVE_INFINITY) {
  const overlap = new Overlap(START);
  let sent = 0;
  for (let at = START; at <= START + until; at += 250) {
    const since = at - START;
    if (since >= sendsAt && since < stopsAt) sent += 12;
    const state = overlap.note(since >= connectsAt, sent, at);
    if (state !== "waiting") return { state, after: since };
  }
  return { state: "waiting", after: until };
}

test("both send for a second and a half from the first packet of the new one", () => {
  expect(watch(500, 500, 20_000)).toEqual({ state: "done", after: 2_000 });
  expect(watch(500, 1_500, 20_000)).toEqual({ state: "done", after: 3_000 });
});

test("a session that does not connect, or sends nothing, is given up", () => {
  expect(watch(60_000, 60_000, 20_000)).toEqual({ state: "late", after: 8_000 });
  expect(watch(500, 60_000, 20_000)).toEqual({ state: "late", after: 8_000 });
});

test("a session that fell silent is not trusted", () => {
  expect(watch(500, 500, 20_000, 1_000)).toEqual({ state: "late", after: 8_000 });
});
