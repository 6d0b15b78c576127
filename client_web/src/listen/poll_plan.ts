/** When to ask for the status body next. */
import { jitter, type Random } from "../shared/backoff";
import { linePollMs, peopleAhead } from "./place";
import { hostIsAway, isInLine, type ListenModel } from "./state";

const SOONEST_MS = 2_000;
const HOST_AWAY_MS = 5_000; // the notice should go soon after the host is back, at no more than twice the usual load

/**
 * Ms until the next poll, give or take a fifth.
 *
 * Near the start a tenth of the distance to it, between 2 s and what the server wants: a late start slows the
 * crowd down again in the same way. Without an announced start the time the page has been open stands in.
 * `now` is the server's time. A 409's Retry-After is about joining again; only this body brings that about.
 */
export function nextPollMs(model: ListenModel, now: number, openedForMs: number, random: Random): number {
  const { facts, place, serving } = model;
  if (isInLine(model) && facts?.line && place !== null && serving !== null) {
    return linePollMs(peopleAhead(place, facts.line, serving), facts.line, facts.full, random);
  }
  const usual = model.facts?.pollMs ?? SOONEST_MS * 2;
  return jitter(Math.max(plain(model, usual, now, openedForMs), 0), random);
}

function plain(model: ListenModel, usual: number, now: number, openedForMs: number): number {
  if (hostIsAway(model)) return Math.min(usual, HOST_AWAY_MS);
  // Refused, and the body that was read may be older than the line: the next one shows it.
  if (model.phase === "waiting" && model.place !== null) return Math.min(usual, SOONEST_MS);
  if (model.phase !== "early") return usual;
  const startsAt = model.facts?.startsAt ?? null;
  const distance = startsAt === null ? openedForMs : Math.abs(startsAt - now);
  return Math.min(usual, Math.max(SOONEST_MS, distance / 10));
}
