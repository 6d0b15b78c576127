import type { Random } from "../shared/backoff";
import { jitter } from "../shared/backoff";
import type { EventFacts } from "../shared/event_facts";
import type { Memory } from "../shared/memory";
import { type Refusal, RefusedError } from "../shared/refusal";
import { ServerClock } from "../shared/server_clock";
import { Store } from "../shared/store";
import type { Desk } from "./microphone_desk";
import { Mover } from "./mover";
import type { PublisherNotice, Publishing } from "./publisher";
import { judgeReturn, retryDelay, SETTLE_MS } from "./retry_plan";
import {
  holdsSession,
  initialModel,
  isOver,
  type Processing,
  reduce,
  type StudioMessage,
  type StudioModel,
} from "./state";

const STEADY_MS = 10_000;
const POLL_MS = 3_000; // one host per event: the count may be fresh

export interface StudioParts {
  readonly eventId: string;
  readonly hasKey: boolean;
  readonly processing: Processing;
  readonly fetchEvent: () => Promise<EventFacts>;
  readonly fetchStatus: () => Promise<EventFacts>;
  readonly endEvent: () => Promise<void>;
  readonly makePublisher: (notify: (notice: PublisherNotice) => void) => Publishing;
  readonly makeDesk: (store: Store<StudioModel, StudioMessage>) => Desk;
  readonly perTab: Memory;
  readonly random: Random;
}

/** Does what the model's changes ask for: sessions, retries, polls. */
export class StudioController {
  readonly store: Store<StudioModel, StudioMessage>;
  readonly clock = new ServerClock();
  readonly publisher: Publishing;
  readonly desk: Desk;
  private readonly mover: Mover;
  private readonly airedKey: string;
  private lostAt = Number.NEGATIVE_INFINITY;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private steadyTimer: ReturnType<typeof setTimeout> | undefined;
  private pollTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly parts: StudioParts) {
    this.airedKey = `on-air.${parts.eventId}`;
    this.store = new Store(initialModel(parts.processing), reduce);
    this.publisher = parts.makePublisher((notice) => {
      this.store.dispatch(notice);
      if (notice.type === "moved") this.mover.onMoved(notice.moved);
    });
    this.mover = new Mover({
      fetchStatus: parts.fetchStatus,
      seat: () => this.publisher.seat,
      move: () => this.publisher.move(),
      now: this.now,
      random: parts.random,
    });
    this.desk = parts.makeDesk(this.store);
    this.desk.onTrack = (track) => void this.publisher.replaceTrack(track);
    this.store.subscribe((after, before) => this.act(after, before));
  }

  /** Reads the event, and goes back on air if a reload took us off it. The page calls it once. */
  async start(): Promise<void> {
    if (!this.parts.hasKey) return this.store.dispatch({ type: "no-key" });
    const wasOnAir = this.parts.perTab.get(this.airedKey) !== null;
    if (wasOnAir) this.store.dispatch({ type: "come-back" });
    void this.poll();
    await this.desk.start(wasOnAir);
  }

  goLive(): void {
    this.store.dispatch({ type: this.store.model.phase === "taken" ? "take-back" : "go-live" });
  }

  setMuted(muted: boolean): void {
    this.store.dispatch({ type: "mute", muted });
  }

  /** Ends the event for everyone; asked before. */
  async endForAll(): Promise<void> {
    this.store.dispatch({ type: "ending", ending: "sending" });
    try {
      await this.parts.endEvent();
      this.store.dispatch({ type: "ended" });
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === "forbidden") this.store.dispatch({ type: "no-key" });
      else
        this.store.dispatch(refusal === "ended" ? { type: "ended" } : { type: "ending", ending: "failed" });
    }
  }

  /** The page is being left: the event goes on and the host may come back. */
  pageHidden(): void {
    clearTimeout(this.retryTimer);
    this.mover.stop();
    this.publisher.leave();
  }

  pageShownAgain(): void {
    if (this.store.model.phase === "live") this.mover.start();
    this.store.dispatch({ type: "retry" });
  }

  /** The server's time in ms since 1970. */
  readonly now = (): number => this.clock.now(performance.now(), Date.now());

  private async poll(): Promise<void> {
    clearTimeout(this.pollTimer);
    await this.readEvent();
    if (isOver(this.store.model.phase)) return;
    this.pollTimer = setTimeout(() => void this.poll(), jitter(POLL_MS, this.parts.random));
  }

  /** The event's record, also shown to the model; or why it could not be read. */
  private async readEvent(): Promise<EventFacts | Refusal> {
    try {
      const facts = await this.parts.fetchEvent();
      this.clock.note(facts.now, performance.now());
      this.store.dispatch({ type: "event", facts });
      return facts;
    } catch (error) {
      const refusal = refusalOf(error);
      this.store.dispatch({ type: "event-failed", refusal });
      return refusal;
    }
  }

  private act(after: StudioModel, before: StudioModel): void {
    if (after.muted !== before.muted) this.desk.setMuted(after.muted);
    if (after.phase !== before.phase) this.onPhase(after, before);
    if (after.attempt > before.attempt) {
      clearTimeout(this.retryTimer);
      if (this.desk.stream !== null) this.publisher.join(this.desk.stream);
    } else if (after.failures > before.failures) {
      if (before.phase === "live") this.lostAt = performance.now();
      this.planTry(retryDelay(after, this.parts.random));
    }
  }

  private planTry(wait: number): void {
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => void this.tryAgain(), wait);
  }

  private onPhase(after: StudioModel, before: StudioModel): void {
    clearTimeout(this.steadyTimer);
    if (after.phase === "live") {
      this.parts.perTab.set(this.airedKey, "yes");
      this.steadyTimer = setTimeout(() => this.store.dispatch({ type: "steady" }), STEADY_MS);
      this.mover.start();
    } else {
      this.mover.stop();
    }
    if (holdsSession(before.phase) && !holdsSession(after.phase)) {
      clearTimeout(this.retryTimer);
      this.publisher.leave();
    }
    if (after.phase === "taken" || isOver(after.phase)) this.parts.perTab.set(this.airedKey, null);
    if (isOver(after.phase)) this.desk.close();
  }

  /** Looks who is on air before publishing again, so that two hosts never push each other out in turn. */
  private async tryAgain(): Promise<void> {
    const found = await this.readEvent();
    const { model } = this.store;
    if (!holdsSession(model.phase)) return;
    if (typeof found === "string" && found !== "missing") {
      this.store.dispatch({ type: "refused", refusal: found, retryAfterMs: null });
      return;
    }
    const verdict = typeof found === "string" ? "publish" : judgeReturn(model, found);
    const unsettled = SETTLE_MS - (performance.now() - this.lostAt);
    // So soon after the loss it may be ourselves whom the server still counts as present.
    if (verdict === "someone-else" && unsettled > 0) this.planTry(unsettled);
    else if (verdict === "someone-else") this.store.dispatch({ type: "someone-else" });
    else if (verdict === "publish") this.store.dispatch({ type: "retry" });
  }
}

function refusalOf(error: unknown): Refusal {
  return error instanceof RefusedError ? error.refusal : "broken";
}
