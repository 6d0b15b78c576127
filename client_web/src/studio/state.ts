/**
 * What the host's page can be doing, and every way from one state to the next.
 *
 * As on the listener's page the controller starts a session whenever `attempt` grows and plans the next
 * attempt whenever `failures` grows.
 */
import type { EventFacts } from "../shared/event_facts";
import type { Refusal } from "../shared/refusal";

export type StudioPhase =
  | "loading"
  | "setup" // sound check, not on air
  | "connecting"
  | "live"
  | "recovering" // was on air, and nothing comes back from the server
  | "taken" // somebody else is on air with the same key
  | "forbidden" // the link lacks the right key
  | "missing" // no such event
  | "ended";

export type MicrophoneState =
  | "off"
  | "asking"
  | "ready"
  | "refused" // by the person, the browser's settings or a policy
  | "absent" // there is none
  | "busy" // another program holds it
  | "insecure" // browsers give microphones to https pages only
  | "unplugged"; // it was there a moment ago

/** Whether the host must do something before there can be a microphone. */
export function hasTrouble(
  state: MicrophoneState,
): state is Exclude<MicrophoneState, "off" | "asking" | "ready"> {
  return state !== "off" && state !== "asking" && state !== "ready";
}

export type Ending = "no" | "asking" | "sending" | "failed";

/** What the browser does to the voice before it is sent. */
export interface Processing {
  readonly echoCancellation: boolean;
  readonly noiseSuppression: boolean;
  readonly autoGain: boolean;
}

export interface StudioModel {
  readonly phase: StudioPhase;
  /** The host wants to be on air: pressed Go live, or was on air before a reload. */
  readonly wanted: boolean;
  readonly facts: EventFacts | null;
  readonly microphone: MicrophoneState;
  readonly devices: readonly MediaDeviceInfo[];
  /** Chosen device; "" for the system's own choice. */
  readonly deviceId: string;
  readonly processing: Processing;
  readonly muted: boolean;
  /** Has been on air since Go live. */
  readonly aired: boolean;
  /** When the present stretch on air began, in ms of the device's clock. */
  readonly liveSince: number | null;
  /** A session on another stage is being opened while the present one goes on. */
  readonly moving: boolean;
  readonly attempt: number;
  readonly failures: number;
  readonly lostBy: Loss | null;
  readonly askedToWaitMs: number | null;
  readonly refusal: Refusal | null;
  readonly ending: Ending;
  /** The event's record could be read at the last try. */
  readonly reachable: boolean;
}

/** How a connection was lost: closed by the server, or gone quiet. */
export type Loss = "closed" | "stalled";

export type StudioMessage =
  | { readonly type: "event"; readonly facts: EventFacts }
  | { readonly type: "event-failed"; readonly refusal: Refusal }
  | { readonly type: "no-key" }
  | { readonly type: "microphone"; readonly state: MicrophoneState }
  | { readonly type: "devices"; readonly devices: readonly MediaDeviceInfo[] }
  | { readonly type: "choose-device"; readonly deviceId: string }
  | { readonly type: "processing"; readonly processing: Processing }
  | { readonly type: "go-live" }
  | { readonly type: "come-back" }
  | { readonly type: "connected"; readonly at: number }
  | { readonly type: "moving" }
  | { readonly type: "moved" }
  | { readonly type: "steady" }
  | { readonly type: "lost"; readonly how: Loss }
  | { readonly type: "refused"; readonly refusal: Refusal; readonly retryAfterMs: number | null }
  | { readonly type: "retry" }
  | { readonly type: "someone-else" }
  | { readonly type: "take-back" }
  | { readonly type: "mute"; readonly muted: boolean }
  | { readonly type: "ending"; readonly ending: Ending }
  | { readonly type: "ended" };

const LONG_WAIT_MS = 10_000; // a refusal that only an operator can change
const SHORT_WAIT_MS = 2_000; // a "later" without a Retry-After

export const ALL_PROCESSING: Processing = { echoCancellation: true, noiseSuppression: true, autoGain: true };

export function initialModel(processing: Processing): StudioModel {
  return {
    phase: "loading",
    wanted: false,
    facts: null,
    microphone: "off",
    devices: [],
    deviceId: "",
    processing,
    muted: false,
    aired: false,
    liveSince: null,
    moving: false,
    attempt: 0,
    failures: 0,
    lostBy: null,
    askedToWaitMs: null,
    refusal: null,
    ending: "no",
    reachable: true,
  };
}

/** Phases in which a session is open, being opened or about to be tried again. */
export function holdsSession(phase: StudioPhase): boolean {
  return phase === "connecting" || phase === "live" || phase === "recovering";
}

/** Phases that nothing leads out of on this page. */
export function isOver(phase: StudioPhase): boolean {
  return phase === "ended" || phase === "forbidden";
}

export function reduce(model: StudioModel, message: StudioMessage): StudioModel {
  if (isOver(model.phase)) return model;
  switch (message.type) {
    case "event":
      return onEvent({ ...model, facts: message.facts, reachable: true });
    case "event-failed":
      return onEventFailed(model, message.refusal);
    case "no-key":
      return { ...model, phase: "forbidden", wanted: false };
    case "microphone":
      return startIfReady({ ...model, microphone: message.state });
    case "devices":
      return { ...model, devices: message.devices };
    case "choose-device":
      return { ...model, deviceId: message.deviceId };
    case "processing":
      return { ...model, processing: message.processing };
    case "go-live":
    case "come-back":
      return startIfReady({ ...model, wanted: true });
    case "connected":
      return holdsSession(model.phase) ? onConnected(model, message.at) : model;
    case "moving":
      return model.phase === "live" ? { ...model, moving: true } : model;
    case "moved":
      return { ...model, moving: false };
    case "steady":
      return model.phase === "live" ? { ...model, failures: 0 } : model;
    case "lost":
      if (!holdsSession(model.phase)) return model;
      return failed({ ...model, phase: connectingPhase(model), lostBy: message.how }, null);
    case "refused":
      return holdsSession(model.phase) ? onRefused(model, message.refusal, message.retryAfterMs) : model;
    case "retry":
      return holdsSession(model.phase) ? { ...model, attempt: model.attempt + 1 } : model;
    case "someone-else":
      return holdsSession(model.phase) ? offAir({ ...model, phase: "taken" }) : model;
    case "take-back":
      return model.phase === "taken" ? startIfReady({ ...model, phase: "setup", wanted: true }) : model;
    case "mute":
      return { ...model, muted: message.muted };
    case "ending":
      return { ...model, ending: message.ending };
    case "ended":
      return ended(model);
  }
}

function onEvent(model: StudioModel): StudioModel {
  if (model.facts?.phase === "ended") return ended(model);
  if (model.phase === "loading" || model.phase === "missing")
    return startIfReady({ ...model, phase: "setup" });
  return model;
}

function onEventFailed(model: StudioModel, refusal: Refusal): StudioModel {
  const gone = refusal === "missing" && !holdsSession(model.phase);
  if (gone) return { ...model, phase: "missing", reachable: true };
  return model.reachable ? { ...model, reachable: false } : model;
}

function startIfReady(model: StudioModel): StudioModel {
  if (model.phase !== "setup" || !model.wanted || model.microphone !== "ready") return model;
  return {
    ...model,
    phase: "connecting",
    attempt: model.attempt + 1,
    failures: 0,
    refusal: null,
    lostBy: null,
  };
}

function onConnected(model: StudioModel, at: number): StudioModel {
  const liveSince = model.liveSince ?? at;
  return { ...model, phase: "live", aired: true, liveSince, moving: false, refusal: null, lostBy: null };
}

function onRefused(model: StudioModel, refusal: Refusal, retryAfterMs: number | null): StudioModel {
  switch (refusal) {
    case "forbidden":
      return offAir({ ...model, phase: "forbidden" });
    case "ended":
      return ended(model);
    case "early":
    case "busy":
      return failed({ ...model, refusal }, retryAfterMs ?? SHORT_WAIT_MS);
    case "rejected":
      return failed({ ...model, refusal }, LONG_WAIT_MS);
    case "missing": // a server that has just restarted may not know the event for a moment
    case "broken":
    case "unreachable":
      return failed({ ...model, refusal }, retryAfterMs);
  }
}

function failed(model: StudioModel, askedToWaitMs: number | null): StudioModel {
  return { ...model, failures: model.failures + 1, askedToWaitMs };
}

function connectingPhase(model: StudioModel): StudioPhase {
  return model.aired ? "recovering" : "connecting";
}

function offAir(model: StudioModel): StudioModel {
  return { ...model, wanted: false, aired: false, liveSince: null, failures: 0, refusal: null };
}

function ended(model: StudioModel): StudioModel {
  return offAir({ ...model, phase: "ended", ending: "no" });
}
