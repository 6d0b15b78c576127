import { describe, expect, test } from "vitest";
import { nextPollMs } from "../../src/listen/poll_plan";
import { INITIAL, type ListenModel } from "../../src/listen/state";
import { facts } from "../support/facts";

const middle = (): number => 0.5;
const NOW = 10_000_000;
const early = (startsAt: number | null, change: Partial<ListenModel> = {}): ListenModel => ({
  ...INITIAL,
  phase: "early",
  facts: facts({ phase: "early", startsAt }),
  ...change,
});

describe("nextPollMs", () => {
  test.each([
    ["an hour before", 3_600_000, 10_000],
    ["a minute before", 60_000, 6_000],
    ["ten seconds before", 10_000, 2_000],
    ["at the start", 0, 2_000],
    ["a minute late", -60_000, 6_000],
    ["an hour late", -3_600_000, 10_000],
  ])("%s it asks every so often", (_when, distance, wait) => {
    expect(nextPollMs(early(NOW + distance), NOW, 0, middle)).toBe(wait);
  });

  test("without an announced start, the time the page has been open slows it down", () => {
    expect(nextPollMs(early(null), NOW, 1_000, middle)).toBe(2_000);
    expect(nextPollMs(early(null), NOW, 50_000, middle)).toBe(5_000);
  });

  test("the Retry-After of a join does not slow it down", () => {
    expect(nextPollMs(early(NOW, { askedToWaitMs: 30_000 }), NOW, 0, middle)).toBe(2_000);
  });

  test("while the host is away it looks more often", () => {
    const away: ListenModel = { ...INITIAL, phase: "live", facts: facts({ host: "away" }) };
    expect(nextPollMs(away, NOW, 0, middle)).toBe(5_000);
  });

  test("with a place and no line in sight it looks soon: the body may be older than the line", () => {
    const refused: ListenModel = { ...INITIAL, phase: "waiting", place: 5, facts: facts() };
    expect(nextPollMs(refused, NOW, 0, middle)).toBe(2_000);
    expect(nextPollMs({ ...refused, place: null }, NOW, 0, middle)).toBe(10_000);
  });

  test("spreads a crowd over a fifth on both sides", () => {
    const live: ListenModel = { ...INITIAL, phase: "live", facts: facts() };
    expect(nextPollMs(live, NOW, 0, () => 0)).toBe(8_000);
    expect(nextPollMs(live, NOW, 0, () => 0.999_999)).toBeCloseTo(12_000, 0);
  });
});
