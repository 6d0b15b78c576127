import { backoffDelay, LISTENER_BACKOFF, obeyRetryAfter, type Random } from "../shared/backoff";
import type { EventFacts } from "../shared/event_facts";
import { RefusedError } from "../shared/refusal";
import { ServerClock } from "../shared/server_clock";
import { Store } from "../shared/store";
import type { Player, PlayerNotice } from "./player";
import { nextPollMs } from "./poll_plan";
import { holdsSession, INITIAL, type ListenMessage, type ListenModel, reduce } from "./state";

const STEADY_MS = 10_000; // playing this long: the next loss is a new one, not the same again

export interface ControllerParts {
  readonly fetchStatus: () => Promise<EventFacts>;
  readonly makePlayer: (notify: (notice: PlayerNotice) => void) => Player;
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

  constructor(private readonly parts: ControllerParts) {
    this.player = parts.makePlayer(this.store.dispatch);
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
    if (after.attempt > before.attempt) {
      clearTimeout(this.retryTimer);
      this.player.join();
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
    if (after.phase === "waiting") void this.poll(); // is the house full, or is the server only busy?
    if (holdsSession(before.phase) && !holdsSession(after.phase)) {
      clearTimeout(this.retryTimer);
      this.player.leave();
      if (after.wanted) this.player.prime(); // early or missing: keep the element's leave to play
    }
  }

  private planRetry(model: ListenModel): void {
    const { random } = this.parts;
    const wait =
      model.askedToWaitMs === null
        ? backoffDelay(model.failures, LISTENER_BACKOFF, random)
        : obeyRetryAfter(model.askedToWaitMs, random);
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => this.store.dispatch({ type: "retry" }), wait);
  }
}
