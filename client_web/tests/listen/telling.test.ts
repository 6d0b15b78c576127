import { describe, expect, test } from "vitest";
import { INITIAL, type ListenModel, type ListenPhase } from "../../src/listen/state";
import { tell } from "../../src/listen/telling";
import { LISTEN_WORDS } from "../../src/listen/words";
import { facts } from "../support/facts";

const words = LISTEN_WORDS.en;
const say = (change: Partial<ListenModel>, overdue = false) =>
  tell({ ...INITIAL, facts: facts(), ...change }, overdue, words, "en");

const PHASES: ListenPhase[] = [
  "loading",
  "ready",
  "early",
  "waiting",
  "connecting",
  "live",
  "recovering",
  "missing",
  "ended",
];

test.each(PHASES)("%s has something to say", (phase) => {
  expect(say({ phase }).headline).not.toBe("");
});

describe("waiting", () => {
  const waiting: Partial<ListenModel> = { phase: "waiting", refusal: "busy", askedToWaitMs: 6400 };

  test("names the time it was told, rounded up", () => {
    expect(say(waiting)).toEqual({
      headline: words.busyHeadline,
      detail: "Trying again by itself in about 7 seconds.",
    });
  });

  test("says that the house is full only if the server says so", () => {
    expect(say({ ...waiting, facts: facts({ full: true }) }).headline).toBe(words.fullHeadline);
  });

  test("a place in line is told with how many are ahead, and a range", () => {
    const line = {
      serving: { share: 0, arrival: 0 },
      waiting: 1_300,
      joining: 0,
      rate: 5,
      pace: 5,
      arrivals: [
        [0, 0],
        [10_000, 1_300],
      ] as const,
    };
    const inLine = { ...waiting, place: 9_500, serving: line.serving };
    expect(say({ ...inLine, facts: facts({ line }) })).toEqual({
      headline: words.lineHeadline,
      detail: `About 1,200 people are ahead of you. It should take 2 to 7 minutes. ${words.keepOpen}`,
    });
    expect(say({ ...inLine, facts: facts({ line, full: true }) })).toEqual({
      headline: words.fullHeadline,
      detail: `About 1,200 people are ahead of you. ${words.lineFull} ${words.keepOpen}`,
    });
    expect(say({ ...inLine, place: 1, facts: facts({ line }) }).detail).toContain(words.nextInLine);
    const called = { share: 0, arrival: 9_500 };
    expect(say({ ...inLine, serving: called, facts: facts({ line }) }).headline).toBe(words.calledHeadline);
  });

  test("a refused browser is not told about seats", () => {
    expect(say({ ...waiting, refusal: "rejected" }).headline).toBe(words.unsuitedHeadline);
  });
});

test("live tells about the host, the browser and the mute, the most useful first", () => {
  const away = facts({ host: "away" });
  expect(say({ phase: "live", facts: away, blocked: true }).headline).toBe(words.blocked);
  expect(say({ phase: "live", facts: away }).headline).toBe(words.awayHeadline);
  expect(say({ phase: "live", muted: true })).toEqual({ headline: words.live, detail: words.mutedDetail });
});

test("early tells whether the tap has happened and whether the start has passed", () => {
  expect(say({ phase: "early" }).detail).toBe(words.earlyDetail);
  expect(say({ phase: "early", wanted: true }).detail).toBe(words.armedDetail);
  expect(say({ phase: "early" }, true).headline).toBe(words.overdueHeadline);
  expect(say({ phase: "early", reachable: false }).detail).toBe(words.unreachable);
});
