/** When, and whether, to publish again after a loss. */
import { backoffDelay, HOST_BACKOFF, obeyRetryAfter, type Random } from "../shared/backoff";
import type { EventFacts } from "../shared/event_facts";
import type { StudioModel } from "./state";

/**
 * A server that closes the connection has usually given the microphone to somebody else. Who is on air now shows
 * only when our own last packets no longer count as presence and the other's first ones have arrived.
 */
export const SETTLE_MS = 1_200;

/** Ms to wait before the next attempt. */
export function retryDelay(model: StudioModel, random: Random): number {
  if (model.askedToWaitMs !== null) return obeyRetryAfter(model.askedToWaitMs, random);
  if (model.lostBy === "closed" && model.failures === 1) return SETTLE_MS + random() * HOST_BACKOFF.first;
  return backoffDelay(model.failures, HOST_BACKOFF, random);
}

/** What the event's record says about publishing again: never push out somebody else by itself. */
export function judgeReturn(model: StudioModel, facts: EventFacts): "publish" | "someone-else" | "ended" {
  if (facts.phase === "ended") return "ended";
  // Before the first connection nobody can have taken over from us: the host pressed the button just now.
  return model.aired && facts.host === "present" ? "someone-else" : "publish";
}
