/** Whether, and when, a listener takes a seat on another shard because the status body asks for it. */
import type { Move } from "../shared/line_facts";
import { sha256, unitOf } from "../shared/sha256";

const SOONEST_MS = 200;
const LEFT_FREE = 0.2; // of the time: for those whose first try is refused

/** The seat somebody has now. */
export interface Seat {
  readonly shard: number;
  /** The last part of the session URL: what the draw is made from. */
  readonly token: string;
  /** The server's time when it was taken, in ms since 1970. */
  readonly seatedAt: number;
}

/** A move somebody should make. */
export interface Call {
  /** Names the move, so that it is made once: whoever lands on the same shard again stays. */
  readonly id: string;
  /** Ms from now. */
  readonly after: number;
}

/**
 * The move that `seat` is drawn for, or null.
 *
 * The draw is the first 8 bytes of SHA-256(seed, session token) as a share of 2^64; the next 8 bytes spread the
 * listeners of one move over the time until its deadline. `now` is the server's time.
 */
export function moveFor(seat: Seat | null, moves: readonly Move[], now: number): Call | null {
  if (seat === null) return null;
  for (const move of moves) {
    if (move.shard !== seat.shard) continue;
    const digest = sha256(move.seed + seat.token);
    if (!isAsked(move, seat, unitOf(digest, 0))) continue;
    const time = Math.max(0, move.deadline - now) * (1 - LEFT_FREE);
    const after = Math.max(SOONEST_MS, time * unitOf(digest, 8));
    return { id: `${move.shard}/${move.seed}`, after };
  }
  return null;
}

function isAsked(move: Move, seat: Seat, draw: number): boolean {
  if (move.since === null) return draw < move.fraction;
  if (seat.seatedAt < move.since) return false;
  return seat.seatedAt >= move.since + 1000 || draw < move.fraction;
}
