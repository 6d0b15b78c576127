/**
 * What a listener's page can be doing, and every way from one state to the next.
 *
 * Randomness, clocks and sockets stay outside (controller.ts): it starts a session whenever `attempt` grows
 * and plans the next attempt whenever `failures` grows.
 */
import type { EventFacts } from "../shared/event_facts";
import type { Serving } from "../shared/line_facts";
import type { Place, Refusal } from "../shared/refusal";
import { furthest, isCalled } from "./place";

export type ListenPhase =
  | "loading" // the first status has not come yet
  | "ready" // live, and nobody has tapped
  | "early" // not live yet; joins by itself if `wanted`
  | "waiting" // in line until called, or the server has no place just now; tries again by itself
  | "connecting"
  | "live"
  | "recovering" // was live, and nothing arrives
  | "missing" // no such event
  | "ended";

export interface ListenModel {
  readonly phase: ListenPhase;
  /** The listener tapped Listen and has not stopped. */
  readonly wanted: boolean;
  /** Last facts the server told, or null before the first. */
  readonly facts: EventFacts | null;
  /** Sound has been heard since the tap. */
  readonly heard: boolean;
  /** Sessions started so far. */
  readonly attempt: number;
  /** Attempts that failed one after the other. */
  readonly failures: number;
  /** How long the server asked us to wait before the next attempt, in ms. */
  readonly askedToWaitMs: number | null;
  /** Why the last attempt was refused, while that still matters. */
  readonly refusal: Refusal | null;
  /** The place in line: when it was given, in ms since 1970. Null without one, and once seated. */
  readonly place: number | null;
  /** The server counts that place; otherwise it has to be shown once more. */
  readonly counted: boolean;
  /** How far the line has been seen to be called. */
  readonly serving: Serving | null;
  /** The browser will not play without another tap. */
  readonly blocked: boolean;
  readonly muted: boolean;
  /** 0 to 1. */
  readonly volume: number;
  /** The last status poll was answered. */
  readonly reachable: boolean;
}

export type ListenMessage =
  | { readonly type: "status"; readonly facts: EventFacts }
  | { readonly type: "status-failed"; readonly refusal: Refusal }
  | { readonly type: "listen" }
  | { readonly type: "stop" }
  | { readonly type: "retry" }
  | { readonly type: "connected" }
  | { readonly type: "flowing" }
  | { readonly type: "steady" }
  | { readonly type: "stalled" }
  | {
      readonly type: "refused";
      readonly refusal: Refusal;
      readonly retryAfterMs: number | null;
      readonly place?: Place | null;
    }
  | { readonly type: "place"; readonly arrival: number }
  | { readonly type: "blocked"; readonly blocked: boolean }
  | { readonly type: "mute"; readonly muted: boolean }
  | { readonly type: "volume"; readonly volume: number };

/** Asked for when a refusal will not change within seconds: another browser is needed, or an operator. */
const LONG_WAIT_MS = 15_000;
/** A "later" without a Retry-After. */
const SHORT_WAIT_MS = 5_000;

export const INITIAL: ListenModel = {
  phase: "loading",
  wanted: false,
  facts: null,
  heard: false,
  attempt: 0,
  failures: 0,
  askedToWaitMs: null,
  refusal: null,
  place: null,
  counted: false,
  serving: null,
  blocked: false,
  muted: false,
  volume: 1,
  reachable: true,
};

/** Phases in which a session is open, being opened or about to be tried again. */
export function holdsSession(phase: ListenPhase): boolean {
  return phase === "connecting" || phase === "live" || phase === "recovering" || phase === "waiting";
}

/** In line and not called: the next try comes when the status body says so, not when a timer does. */
export function isInLine(model: ListenModel): boolean {
  if (model.place === null || model.serving === null || model.facts?.line == null) return false;
  return !isCalled(model.place, model.serving);
}

/** Live, but nobody at the microphone: the sound is silence on purpose. */
export function hostIsAway(model: ListenModel): boolean {
  return model.phase === "live" && model.facts !== null && model.facts.host !== "present";
}

export function reduce(model: ListenModel, message: ListenMessage): ListenModel {
  switch (message.type) {
    case "status":
      return onStatus(withFacts(model, message.facts));
    case "status-failed":
      return onStatusFailed(model, message.refusal);
    case "listen":
      return onListen(model);
    case "stop":
      return holdsSession(model.phase) || model.phase === "early" ? stopped(model) : model;
    case "retry":
      return holdsSession(model.phase) ? { ...model, attempt: model.attempt + 1 } : model;
    case "connected":
      return model.phase === "waiting" ? { ...model, phase: connectingPhase(model), refusal: null } : model;
    case "flowing":
      return holdsSession(model.phase) ? seated(model) : model;
    case "steady":
      return model.phase === "live" ? { ...model, failures: 0 } : model;
    case "stalled":
      return holdsSession(model.phase) ? failed({ ...model, phase: connectingPhase(model) }, null) : model;
    case "refused":
      return holdsSession(model.phase) ? onRefused(model, message) : model;
    case "place":
      return { ...model, place: message.arrival, counted: true };
    case "blocked":
      return model.blocked === message.blocked ? model : { ...model, blocked: message.blocked };
    case "mute":
      return model.muted === message.muted ? model : { ...model, muted: message.muted };
    case "volume":
      return { ...model, volume: message.volume, muted: false };
  }
}

function withFacts(model: ListenModel, facts: EventFacts): ListenModel {
  // A line that began anew does not know older places.
  const same = model.facts === null || model.facts.epoch === facts.epoch;
  const seen = same ? model.serving : null;
  const serving = facts.line === null ? seen : furthest(seen, facts.line.serving);
  const after = { ...model, facts, serving, place: same ? model.place : null, reachable: true };
  const called = isInLine(model) && !isInLine(after);
  return called && after.phase === "waiting" ? joining(after, "waiting") : after;
}

function onStatus(model: ListenModel): ListenModel {
  const phase = model.facts?.phase;
  if (phase === "ended") return ended(model);
  if (holdsSession(model.phase) || model.phase === "ended") return model; // the session itself decides
  if (phase === "early") return { ...model, phase: "early" };
  if (model.wanted) return joining(model);
  return { ...model, phase: "ready" };
}

function onStatusFailed(model: ListenModel, refusal: Refusal): ListenModel {
  // A server that has just restarted may not know the event for a moment: what plays goes on.
  const gone = refusal === "missing" && !holdsSession(model.phase) && model.phase !== "ended";
  if (gone) return { ...model, phase: "missing", reachable: true };
  return model.reachable ? { ...model, reachable: false } : model;
}

function onListen(model: ListenModel): ListenModel {
  if (holdsSession(model.phase) || model.phase === "ended") return model;
  const wanting: ListenModel = { ...model, wanted: true, heard: false, failures: 0, refusal: null };
  return model.phase === "loading" || model.phase === "ready" ? joining(wanting) : wanting;
}

function onRefused(model: ListenModel, message: ListenMessage & { type: "refused" }): ListenModel {
  const { refusal, retryAfterMs } = message;
  switch (refusal) {
    case "early":
      return { ...model, phase: "early", askedToWaitMs: retryAfterMs, failures: 0, refusal: null };
    case "ended":
      return ended(model);
    case "missing":
      return { ...model, phase: "missing", failures: 0, refusal: null };
    case "busy":
      return failed(waiting(model, refusal, message.place ?? null), retryAfterMs ?? SHORT_WAIT_MS);
    case "rejected":
    case "forbidden":
      return failed({ ...model, phase: "waiting", refusal }, LONG_WAIT_MS);
    case "broken":
    case "unreachable":
      return failed({ ...model, refusal }, retryAfterMs);
  }
}

function joining(model: ListenModel, phase: ListenPhase = "connecting"): ListenModel {
  if (isInLine(model)) return { ...model, phase: "waiting", refusal: "busy", askedToWaitMs: null };
  return { ...model, phase, attempt: model.attempt + 1, askedToWaitMs: null };
}

function waiting(model: ListenModel, refusal: Refusal, place: Place | null): ListenModel {
  const waiting: ListenModel = { ...model, phase: "waiting", refusal };
  return place?.inLine ? { ...waiting, place: place.arrival, counted: place.counts } : waiting;
}

function seated(model: ListenModel): ListenModel {
  return { ...model, phase: "live", heard: true, refusal: null, place: null };
}

function failed(model: ListenModel, askedToWaitMs: number | null): ListenModel {
  return { ...model, failures: model.failures + 1, askedToWaitMs };
}

function connectingPhase(model: ListenModel): ListenPhase {
  return model.heard ? "recovering" : "connecting";
}

function stopped(model: ListenModel): ListenModel {
  const phase = model.facts?.phase === "early" ? "early" : "ready";
  return { ...model, phase, wanted: false, heard: false, failures: 0, refusal: null, blocked: false };
}

function ended(model: ListenModel): ListenModel {
  return {
    ...model,
    phase: "ended",
    wanted: false,
    heard: false,
    failures: 0,
    refusal: null,
    blocked: false,
  };
}
