import { backoffDelay, LISTENER_BACKOFF, obeyRetryAfter, type Random } from "../shared/backoff";
import type { EventFacts } from "../shared/event_facts";
import { type Place, RefusedError } from "../shared/refusal";
import { ServerClock } from "../shared/server_clock";
import { Store } from "../shared/store";
import { moveFor } from "./moving";
import type { Player, PlayerNotice } from "./player";
import { nextPollMs } from "./poll_plan";
import { holdsSession, INITIAL, isInLine, type ListenMessage, type ListenModel, reduce } from "./state";

const STEADY_MS = 10_000; // playing this long: the next loss is a new one, not the same again

export interface ControllerParts {
  readonly fetchStatus: () => Promise<EventFacts>;
  /** A place in line, cheaper than asking for a seat that is not there. */
  readonly takePlace: () => Promise<Place>;
  /** The place this tab has kept, when it was given; null without one. */
  readonly keptPlace: number | null;
  /** Whether this tab holds anything that could be a seat: a ticket of any kind. */
  readonly hasTicket: () => boolean;
  readonly makePlayer: (notify: (notice: PlayerNotice) => void, serverNow: () => number) => Player;
  readonly random: Random;
}

/** Does what the model's changes ask for: sessions, retries, polls. Decides nothing itself. */
export class ListenController {
  readonly store = new Store<ListenModel, ListenMessage>(INITIAL, reduce);
  readonly clock = new ServerClock();
  readonly player: Player;
  private readonly openedAt = performance.now();
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private steadyTimer: ReturnType<typeof setTimeout> | undefined;
  private pollTimer: ReturnType<typeof setTimeout> | undefined;
  private moveTimer: ReturnType<typeof setTimeout> | undefined;
  /** The move that is planned or under way, or was made. */
  private moveId: string | null = null;

  constructor(private readonly parts: ControllerParts) {
    this.player = parts.makePlayer((notice) => {
      if (notice.type === "moved") this.onMoved(notice.moved);
      else this.store.dispatch(notice);
    }, this.now);
    if (parts.keptPlace !== null) this.store.dispatch({ type: "place", arrival: parts.keptPlace });
    this.store.subscribe((after, before) => this.act(after, before));
  }

  /** Begins polling; the page calls it once. */
  start(): void {
    void this.poll();
  }

  /** The tap: everything a browser allows only inside one happens in this call. */
  listen(): void {
    this.player.prime();
    this.store.dispatch({ type: "listen" });
  }

  stop(): void {
    this.store.dispatch({ type: "stop" });
  }

  setMuted(muted: boolean): void {
    this.store.dispatch({ type: "mute", muted });
  }

  setVolume(volume: number): void {
    this.store.dispatch({ type: "volume", volume });
  }

  /** The page is being left; the model stays, in case it comes back from the back/forward cache. */
  pageHidden(): void {
    clearTimeout(this.retryTimer);
    this.player.leave();
  }

  pageShownAgain(): void {
    this.store.dispatch({ type: "retry" });
    void this.poll();
  }

  /** The network came back or the device woke: no reason to sit out a long wait. */
  hurry(): void {
    if (!this.store.model.reachable) void this.poll();
  }

  /** The server's time in ms since 1970. */
  readonly now = (): number => this.clock.now(performance.now(), Date.now());

  private async poll(): Promise<void> {
    clearTimeout(this.pollTimer);
    try {
      const facts = await this.parts.fetchStatus();
      this.clock.note(facts.now, performance.now());
      this.store.dispatch({ type: "status", facts });
      this.planMove(facts);
    } catch (error) {
      const refusal = error instanceof RefusedError ? error.refusal : "broken";
      this.store.dispatch({ type: "status-failed", refusal });
    }
    this.planPoll();
  }

  private planPoll(): void {
    clearTimeout(this.pollTimer);
    if (this.store.model.phase === "ended") return;
    const openedFor = performance.now() - this.openedAt;
    const wait = nextPollMs(this.store.model, this.now(), openedFor, this.parts.random);
    this.pollTimer = setTimeout(() => void this.poll(), wait);
  }

  private act(after: ListenModel, before: ListenModel): void {
    if (after.muted !== before.muted) this.player.setMuted(after.muted);
    if (after.volume !== before.volume) this.player.setVolume(after.volume);
    if (after.phase !== before.phase) this.onPhase(after, before);
    if (isInLine(after) && after.counted && !isInLine(before)) clearTimeout(this.retryTimer);
    if (after.attempt > before.attempt) {
      clearTimeout(this.retryTimer);
      this.join(after);
    } else if (after.failures > before.failures) {
      this.planRetry(after);
    }
  }

  private onPhase(after: ListenModel, before: ListenModel): void {
    clearTimeout(this.steadyTimer);
    if (after.phase === "live") {
      this.steadyTimer = setTimeout(() => this.store.dispatch({ type: "steady" }), STEADY_MS);
    }
    if (after.phase === "early" || after.phase === "missing") this.planPoll(); // the rhythm is another one now
    if (after.phase === "waiting") void this.poll(); // is there a line, or is the server only busy?
    if (holdsSession(before.phase) && !holdsSession(after.phase)) {
      clearTimeout(this.retryTimer);
      this.player.leave();
      if (after.wanted) this.player.prime(); // early or missing: keep the element's leave to play
    }
  }

  /** Asks for a seat; where there is a line and no ticket, for a place in it. */
  private join(model: ListenModel): void {
    if (model.facts?.line == null || this.parts.hasTicket()) this.player.join();
    else void this.takePlace();
  }

  private async takePlace(): Promise<void> {
    try {
      const place = await this.parts.takePlace();
      this.store.dispatch({ type: "refused", refusal: "busy", retryAfterMs: null, place });
    } catch (error) {
      const refused = error instanceof RefusedError ? error : new RefusedError("broken", null, null, "");
      const { refusal, retryAfterMs } = refused;
      this.store.dispatch({ type: "refused", refusal, retryAfterMs });
    }
  }

  /** Takes a seat elsewhere when the status body asks this listener to, once per move. */
  private planMove(facts: EventFacts): void {
    const call =
      this.store.model.phase === "live" ? moveFor(this.player.seat, facts.moves, this.now()) : null;
    if (call === null || call.id === this.moveId) return;
    this.moveId = call.id;
    clearTimeout(this.moveTimer);
    this.moveTimer = setTimeout(() => {
      if (this.store.model.phase === "live") this.player.move();
    }, call.after);
  }

  /** A move that was refused is tried again as long as the status body asks for it. */
  private onMoved(moved: boolean): void {
    if (!moved) this.moveId = null;
  }

  private planRetry(model: ListenModel): void {
    if (isInLine(model) && model.counted) return; // the status body calls
    const { random } = this.parts;
    const wait =
      model.askedToWaitMs === null
        ? backoffDelay(model.failures, LISTENER_BACKOFF, random)
        : obeyRetryAfter(model.askedToWaitMs, random);
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => this.store.dispatch({ type: "retry" }), wait);
  }
}
