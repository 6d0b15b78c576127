import { expect, test } from "vitest";
import { STUDIO_WORDS } from "../../src/studio/dictionary";
import { ALL_PROCESSING, initialModel, type StudioModel, type StudioPhase } from "../../src/studio/state";
import { tell } from "../../src/studio/telling";
import { facts } from "../support/facts";

const words = STUDIO_WORDS.en;
const say = (change: Partial<StudioModel>) => tell({ ...initialModel(ALL_PROCESSING), ...change }, words);

const PHASES: StudioPhase[] = [
  "loading",
  "setup",
  "connecting",
  "live",
  "recovering",
  "taken",
  "forbidden",
  "missing",
  "ended",
];

test.each(PHASES)("%s has something to say", (phase) => {
  expect(say({ phase }).headline).not.toBe("");
});

test("a muted host is told so in the headline", () => {
  expect(say({ phase: "live", muted: true }).headline).toBe(words.liveMuted);
});

test("a move to another stage is one calm line, and nothing to do", () => {
  expect(say({ phase: "live" }).detail).toBe("");
  expect(say({ phase: "live", moving: true })).toEqual({ headline: words.live, detail: words.moving });
});

test("the sound check warns when somebody is on air already", () => {
  const occupied = { phase: "setup", microphone: "ready", facts: facts({ host: "present" }) } as const;
  expect(say(occupied).detail).toBe(words.occupied);
  expect(say({ ...occupied, facts: facts({ host: "none" }) }).detail).toBe(words.soundCheck);
});

test("after a reload without permission it says how to come back", () => {
  expect(say({ phase: "setup", wanted: true, microphone: "off" }).detail).toBe(words.comingBack);
});

test("a first attempt that fails says whose fault it is", () => {
  expect(say({ phase: "connecting" }).detail).toBe("");
  expect(say({ phase: "connecting", failures: 1, refusal: "unreachable" }).detail).toBe(words.unreachable);
  expect(say({ phase: "connecting", failures: 1, refusal: "busy" }).detail).toBe(words.refusedByServer);
});
