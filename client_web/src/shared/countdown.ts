/** What is left until a moment, in whole units. */
export interface Remaining {
  readonly days: number;
  readonly hours: number;
  readonly minutes: number;
  readonly seconds: number;
}

/** Splits the time from `now` to `target` (both ms), rounded up to a second; null once it has come. */
export function remaining(target: number, now: number): Remaining | null {
  if (target <= now) return null;
  const total = Math.ceil((target - now) / 1000);
  return {
    days: Math.floor(total / 86_400),
    hours: Math.floor(total / 3_600) % 24,
    minutes: Math.floor(total / 60) % 60,
    seconds: total % 60,
  };
}

/** Ms until `remaining` next shows another second: the moment to draw again. */
export function untilNextSecond(target: number, now: number): number {
  const rest = (target - now) % 1000;
  return rest <= 0 ? 1000 + rest : rest;
}
