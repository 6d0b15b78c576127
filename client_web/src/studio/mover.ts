/** Watches the status body while the host is on air, and has the host change to another stage when it asks. */
import { type Call, moveFor, type Seat } from "../listen/moving";
import { jitter, type Random } from "../shared/backoff";
import type { EventFacts } from "../shared/event_facts";
import type { Move } from "../shared/line_facts";

const LOOK_MS = 5_000;
const AGAIN_MS = 2_000; // after a move that failed
const EARLY = 0.25; // of the time that listeners spread over: a stage has one host per event, not thousands

/** The move that a host should make, or null: as listeners do, but every host is asked, and sooner. */
export function hostMoveFor(seat: Seat | null, moves: readonly Move[], now: number): Call | null {
  const forHosts = moves.map((move) => ({ ...move, fraction: 1, since: null }));
  const call = moveFor(seat, forHosts, now);
  return call === null ? null : { id: call.id, after: call.after * EARLY };
}

export interface MoverParts {
  readonly fetchStatus: () => Promise<EventFacts>;
  /** Where the host is now; null while it is nowhere for certain. */
  readonly seat: () => Seat | null;
  readonly move: () => void;
  /** The server's time in ms since 1970. */
  readonly now: () => number;
  readonly random: Random;
}

export class Mover {
  private running = false;
  private lookTimer: ReturnType<typeof setTimeout> | undefined;
  private moveTimer: ReturnType<typeof setTimeout> | undefined;
  /** The move that is planned, under way or made. */
  private moveId: string | null = null;

  constructor(private readonly parts: MoverParts) {}

  /** On air from now on. */
  start(): void {
    if (this.running) return;
    this.running = true;
    this.planLook(LOOK_MS);
  }

  /** Off air, or the connection is lost: whoever comes back is given a stage that stays. */
  stop(): void {
    this.running = false;
    this.moveId = null;
    clearTimeout(this.lookTimer);
    clearTimeout(this.moveTimer);
  }

  /** A move has ended. One that failed is made again as long as the status body asks for it. */
  onMoved(moved: boolean): void {
    if (moved || !this.running) return;
    this.moveId = null;
    this.planLook(AGAIN_MS);
  }

  private planLook(wait: number): void {
    clearTimeout(this.lookTimer);
    this.lookTimer = setTimeout(() => void this.look(), jitter(wait, this.parts.random));
  }

  private async look(): Promise<void> {
    try {
      const facts = await this.parts.fetchStatus();
      if (this.running) this.plan(facts.moves);
    } catch {
      // A look that failed is made up for by the next one; the poll of the record tells the host what is wrong.
    }
    if (this.running) this.planLook(LOOK_MS);
  }

  private plan(moves: readonly Move[]): void {
    const call = hostMoveFor(this.parts.seat(), moves, this.parts.now());
    if (call === null || call.id === this.moveId) return;
    this.moveId = call.id;
    clearTimeout(this.moveTimer);
    this.moveTimer = setTimeout(this.parts.move, call.after);
  }
}
