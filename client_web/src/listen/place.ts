/** A place in line: how many are ahead, how long that may take, and when to look again. Plain arithmetic. */
import { jitter, type Random } from "../shared/backoff";
import type { LineFacts, Serving } from "../shared/line_facts";

const SOONEST_POLL_MS = 1_000; // the body is cached for so long
const FULL_POLL_MS = 5_000; // at the head of a line that may stand for an hour
const LATEST_POLL_MS = 30_000;
const POLL_SHARE = 0.1; // of the wait: nobody is called long before the page looks again
// Rates change and people leave: a range is all that one can say (core/admission/estimate.py does the same).
const FASTEST = 0.7;
const SLOWEST = 1.5;

/** A span of time in ms. */
export interface WaitRange {
  readonly from: number;
  readonly to: number;
}

/** The furthest the line has been seen: a status body from a slower cache does not take a call back. */
export function furthest(seen: Serving | null, now: Serving): Serving {
  if (seen === null) return now;
  return { share: Math.max(seen.share, now.share), arrival: Math.max(seen.arrival, now.arrival) };
}

/** Whether whoever came at `arrival` is called. */
export function isCalled(arrival: number, serving: Serving): boolean {
  return arrival <= serving.arrival;
}

/** About how many wait who came before `arrival`, by the coarse curve of arrivals. */
export function peopleAhead(arrival: number, line: LineFacts, serving: Serving): number {
  const between = cameBy(line.arrivals, arrival) - cameBy(line.arrivals, serving.arrival);
  return Math.min(Math.max(0, between), line.waiting);
}

/** How many had come by `moment`: between two points as if they had come evenly. */
function cameBy(curve: LineFacts["arrivals"], moment: number): number {
  let [start, before] = curve[0] ?? [0, 0];
  if (moment <= start) return before;
  for (const [end, after] of curve) {
    if (moment <= end) return before + ((after - before) * (moment - start)) / (end - start);
    [start, before] = [end, after];
  }
  return before;
}

/** How long `ahead` people take; null when nobody can say: a full house empties when people leave. */
export function waitRange(ahead: number, rate: number, full: boolean): WaitRange | null {
  if (full || rate <= 0) return null;
  const expected = (ahead / rate) * 1000;
  return { from: expected * FASTEST, to: expected * SLOWEST };
}

/**
 * Ms until somebody with `ahead` people in front looks again.
 *
 * A line that stands still tells no wait, and a slow one a long wait; but when people leave it moves as fast as
 * `line.pace`: who stands near its head looks soon, a million behind them do not (core/admission/estimate.py).
 */
export function linePollMs(ahead: number, line: LineFacts, full: boolean, random: Random): number {
  const after = (speed: number): number => (speed > 0 ? (ahead / speed) * 1000 * POLL_SHARE : LATEST_POLL_MS);
  const byRate = after(full ? 0 : line.rate);
  const byPace = Math.max(after(line.pace), full || line.rate > 0 ? FULL_POLL_MS : 0);
  return jitter(Math.min(LATEST_POLL_MS, Math.max(SOONEST_POLL_MS, Math.min(byRate, byPace))), random);
}

/** `count` as somebody would say it: two leading digits. */
export function roundly(count: number): number {
  if (count < 20) return Math.round(count);
  const step = 10 ** (Math.floor(Math.log10(count)) - 1);
  return Math.round(count / step) * step;
}
