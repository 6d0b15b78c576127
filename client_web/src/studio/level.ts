/** How loud a voice is, and what to tell its owner. All levels in dBFS (0 is the loudest there can be). */

export const FLOOR_DB = -60; // the meter's left end: a quiet room through a headset
const CLIP_AMPLITUDE = 0.985; // converters that clip stop a little short of 1
const CLIP_RUN = 3; // samples in a row at the top: one alone is only a loud peak
const CLIP_SHOWN_MS = 2_500;
const PEAK_HELD_MS = 1_200;
const PEAK_FALL_DB_PER_S = 24; // as the peak programme meter of IEC 60268-10 type I falls
const QUIET_DB = -34; // a close voice peaks between -20 and -6
const SILENT_DB = -57;
const VERDICT_WINDOW_MS = 4_000; // long enough to span a breath

export type Verdict = "listening" | "silent" | "quiet" | "good" | "clipping";

export interface Reading {
  readonly peakDb: number;
  readonly clipped: boolean;
}

export interface Meter {
  readonly levelDb: number;
  readonly heldDb: number;
  readonly verdict: Verdict;
}

/** Peak of one block of samples (-1 to 1). */
export function readSamples(samples: Float32Array): Reading {
  let peak = 0;
  let run = 0;
  let clipped = false;
  for (const sample of samples) {
    const amplitude = Math.abs(sample);
    if (amplitude > peak) peak = amplitude;
    run = amplitude >= CLIP_AMPLITUDE ? run + 1 : 0;
    if (run >= CLIP_RUN) clipped = true;
  }
  return { peakDb: Math.max(FLOOR_DB, peak === 0 ? FLOOR_DB : 20 * Math.log10(peak)), clipped };
}

/** Follows readings over time: peak hold, and a verdict over the last few seconds. */
export class LevelTracker {
  private heldDb = FLOOR_DB;
  private heldAt = Number.NEGATIVE_INFINITY;
  private lastAt: number | null = null;
  private clippedAt = Number.NEGATIVE_INFINITY;
  private startedAt: number | null = null;
  private readonly peaks: { at: number; db: number }[] = [];

  /** Takes a reading at `now` (ms). */
  note(reading: Reading, now: number): Meter {
    this.startedAt ??= now;
    if (reading.clipped) this.clippedAt = now;
    this.hold(reading.peakDb, now);
    this.lastAt = now;
    this.remember(reading.peakDb, now);
    return { levelDb: reading.peakDb, heldDb: this.heldDb, verdict: this.verdict(now, this.startedAt) };
  }

  private hold(peakDb: number, now: number): void {
    if (peakDb >= this.heldDb) {
      this.heldDb = peakDb;
      this.heldAt = now;
    } else if (now - this.heldAt > PEAK_HELD_MS) {
      const fallen = this.heldDb - (PEAK_FALL_DB_PER_S * (now - (this.lastAt ?? now))) / 1000;
      this.heldDb = Math.max(peakDb, fallen);
    }
  }

  /** Keeps only peaks that no later peak exceeds: the first is always the loudest of the window. */
  private remember(db: number, now: number): void {
    while ((this.peaks.at(-1)?.db ?? Number.POSITIVE_INFINITY) <= db) this.peaks.pop();
    this.peaks.push({ at: now, db });
    while ((this.peaks[0]?.at ?? now) < now - VERDICT_WINDOW_MS) this.peaks.shift();
  }

  private verdict(now: number, startedAt: number): Verdict {
    if (now - this.clippedAt < CLIP_SHOWN_MS) return "clipping";
    const loudest = this.peaks[0]?.db ?? FLOOR_DB;
    if (loudest >= QUIET_DB) return "good";
    if (now - startedAt < VERDICT_WINDOW_MS) return "listening";
    return loudest < SILENT_DB ? "silent" : "quiet";
  }
}

/** Position of a level on the meter, 0 to 1. */
export function meterFraction(db: number): number {
  return Math.min(1, Math.max(0, 1 - db / FLOOR_DB));
}
