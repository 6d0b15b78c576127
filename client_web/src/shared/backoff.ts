/** Waits between attempts. Randomness is a parameter, so that every rule here can be tested exactly. */

/** A source of numbers in [0, 1): `Math.random` in the page. */
export type Random = () => number;

/** How patient one kind of client is. */
export interface BackoffPolicy {
  /** Longest first wait in ms: one lost connection may come back nearly at once, a million must not do so together. */
  readonly first: number;
  /** Upper end of the second wait in ms; it doubles from there. */
  readonly second: number;
  /** No wait is longer, in ms. */
  readonly cap: number;
}

/** Listeners are all back within 8 s of a server restart: 4 s for an attempt that hangs, 2.5 s here, the rest to join. */
export const LISTENER_BACKOFF: BackoffPolicy = { first: 300, second: 400, cap: 2500 };

/** The host has one seat and everybody waits for it. */
export const HOST_BACKOFF: BackoffPolicy = { first: 300, second: 400, cap: 2000 };

/** Wait in ms before attempt number `failures + 1`: the first anywhere in [0, first], later ones in the upper half. */
export function backoffDelay(failures: number, policy: BackoffPolicy, random: Random): number {
  if (failures <= 1) return random() * policy.first;
  const ceiling = Math.min(policy.cap, policy.second * 2 ** (failures - 2));
  return ceiling * (0.5 + 0.5 * random());
}

/** A wait the server asked for: never shorter than asked, up to a fifth longer so that not all return at once. */
export function obeyRetryAfter(askedMs: number, random: Random): number {
  return askedMs * (1 + 0.2 * random());
}

/** `ms` give or take a fifth, for polling. */
export function jitter(ms: number, random: Random): number {
  return ms * (0.8 + 0.4 * random());
}
