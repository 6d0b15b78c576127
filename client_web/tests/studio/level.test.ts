import { describe, expect, test } from "vitest";
import { FLOOR_DB, LevelTracker, meterFraction, readSamples } from "../../src/studio/level";

const tone = (amplitude: number): Float32Array =>
  Float32Array.from({ length: 2048 }, (_, index) => amplitude * Math.sin(index / 7));
const voice = (peakDb: number, clipped = false) => ({ peakDb, clipped });

describe("readSamples", () => {
  test("measures the peak in dBFS", () => {
    expect(readSamples(tone(0.5)).peakDb).toBeCloseTo(-6.02, 1);
    expect(readSamples(new Float32Array(2048)).peakDb).toBe(FLOOR_DB);
  });

  test("a flat top is clipping, one loud sample is not", () => {
    expect(readSamples(tone(3).map((sample) => Math.max(-1, Math.min(1, sample)))).clipped).toBe(true);
    const click = new Float32Array(2048);
    click[100] = 1;
    expect(readSamples(click).clipped).toBe(false);
  });
});

describe("LevelTracker", () => {
  test("holds a peak, then lets it fall", () => {
    const tracker = new LevelTracker();
    tracker.note(voice(-6), 0);
    expect(tracker.note(voice(-40), 1000).heldDb).toBe(-6);
    tracker.note(voice(-40), 1200);
    expect(tracker.note(voice(-40), 1450).heldDb).toBeCloseTo(-12, 5);
    expect(tracker.note(voice(-40), 9000).heldDb).toBe(-40);
  });

  test("gives nobody a verdict before a breath has passed", () => {
    const tracker = new LevelTracker();
    expect(tracker.note(voice(FLOOR_DB), 0).verdict).toBe("listening");
    expect(tracker.note(voice(FLOOR_DB), 4000).verdict).toBe("silent");
  });

  test("a quiet voice is called quiet, a close one good at once", () => {
    const tracker = new LevelTracker();
    tracker.note(voice(-42), 0);
    expect(tracker.note(voice(-42), 4000).verdict).toBe("quiet");
    expect(tracker.note(voice(-12), 4020).verdict).toBe("good");
  });

  test("a pause between sentences does not spoil the verdict, a long silence does", () => {
    const tracker = new LevelTracker();
    tracker.note(voice(-12), 0);
    for (let at = 100; at <= 4000; at += 100) expect(tracker.note(voice(-58), at).verdict).toBe("good");
    expect(tracker.note(voice(-58), 4100).verdict).toBe("silent");
  });

  test("clipping is shown long enough to be seen", () => {
    const tracker = new LevelTracker();
    tracker.note(voice(0, true), 0);
    expect(tracker.note(voice(-12), 2400).verdict).toBe("clipping");
    expect(tracker.note(voice(-12), 2600).verdict).toBe("good");
  });
});

test.each([
  [FLOOR_DB, 0],
  [-30, 0.5],
  [0, 1],
  [-90, 0],
  [3, 1],
])("%i dB stands at %f of the meter", (db, fraction) => {
  expect(meterFraction(db)).toBe(fraction);
});
