/**
 * What the page needs of anything that plays an event. WebRTC is the first implementation (webrtc_player.ts);
 * the delayed stream will be the second, on the same audio element.
 */
import type { InboundStats, TransportStats } from "../shared/peer_stats";
import type { Place, Refusal } from "../shared/refusal";
import type { Seat } from "./moving";

/** What a player tells, in the order it happens. */
export type PlayerNotice =
  /** The way to the server stands (ICE and DTLS). */
  | { readonly type: "connected" }
  /** The first sound of this session has arrived. */
  | { readonly type: "flowing" }
  /** Sound has stopped arriving, or never did: the session is lost, join again. */
  | { readonly type: "stalled" }
  /** The server would not open a session; `place` is the place in line that came with its answer. */
  | {
      readonly type: "refused";
      readonly refusal: Refusal;
      readonly retryAfterMs: number | null;
      readonly place?: Place | null;
    }
  /** A move has ended: on another seat, or (false) still on the old one. */
  | { readonly type: "moved"; readonly moved: boolean }
  /** Whether the browser refuses to play before another tap. */
  | { readonly type: "blocked"; readonly blocked: boolean }
  /** The device itself paused the sound (a call came in, headphones were pulled). */
  | { readonly type: "mute"; readonly muted: true };

export interface PlayerStats extends InboundStats, TransportStats {
  readonly connectionState: string;
}

/** Milliseconds from the start of the latest join, which is the tap itself unless it waited for the event. */
export interface JoinTimes {
  readonly connectedMs: number | null;
  readonly firstPacketMs: number | null;
}

export interface Player {
  /** Makes the audio element, with leave to play later. Call it inside the tap. */
  prime(): void;
  /** Opens a new session, in place of the one before. Call it inside the tap if there is one. */
  join(): void;
  /** Takes a seat elsewhere while the old one still plays, and gives that up once the new one does. */
  move(): void;
  /** The seat that plays now, or null. */
  readonly seat: Seat | null;
  /** Ends the session, also while the page goes away. */
  leave(): void;
  setMuted(muted: boolean): void;
  setVolume(volume: number): void;
  /** Tries to play again, inside a tap. */
  resume(): void;
  readonly times: JoinTimes;
  stream(): MediaStream | null;
  /** Null while there is no session. */
  stats(): Promise<PlayerStats | null>;
}
