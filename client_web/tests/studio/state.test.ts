import { describe, expect, test } from "vitest";
import type { Refusal } from "../../src/shared/refusal";
import {
  ALL_PROCESSING,
  initialModel,
  reduce,
  type StudioMessage,
  type StudioModel,
} from "../../src/studio/state";
import { facts } from "../support/facts";

const EVENT: StudioMessage = { type: "event", facts: facts({ phase: "early", host: "none" }) };
const READY: StudioMessage = { type: "microphone", state: "ready" };
const GO_LIVE: StudioMessage = { type: "go-live" };
const CONNECTED: StudioMessage = { type: "connected", at: 5000 };
const STALLED: StudioMessage = { type: "lost", how: "stalled" };
const refused = (refusal: Refusal, retryAfterMs: number | null = null): StudioMessage => ({
  type: "refused",
  refusal,
  retryAfterMs,
});

function reached(...messages: StudioMessage[]): StudioModel {
  return messages.reduce(reduce, initialModel(ALL_PROCESSING));
}

const LIVE = reached(EVENT, READY, GO_LIVE, CONNECTED);

describe("going live", () => {
  test("needs the event, the microphone and the host's word", () => {
    expect(reached(EVENT, READY).attempt).toBe(0);
    expect(reached(EVENT, GO_LIVE).attempt).toBe(0);
    expect(reached(READY, GO_LIVE).attempt).toBe(0);
    expect(reached(EVENT, READY, GO_LIVE)).toMatchObject({ phase: "connecting", attempt: 1 });
  });

  test("is on air once connected", () => {
    expect(LIVE).toMatchObject({ phase: "live", aired: true, liveSince: 5000 });
  });

  test("after a reload needs no word, in whatever order things are ready", () => {
    expect(reached({ type: "come-back" }, EVENT, READY).phase).toBe("connecting");
    expect(reached({ type: "come-back" }, READY, EVENT).phase).toBe("connecting");
  });

  test("a wrong key ends it with an explanation", () => {
    expect(reached(EVENT, READY, GO_LIVE, refused("forbidden")).phase).toBe("forbidden");
  });

  test("a link without a key is explained at once", () => {
    expect(reached({ type: "no-key" }).phase).toBe("forbidden");
  });

  test.each(["busy", "unreachable", "broken", "missing", "rejected"] as const)(
    "a %s server is tried again",
    (why) => {
      expect(reached(EVENT, READY, GO_LIVE, refused(why))).toMatchObject({
        phase: "connecting",
        failures: 1,
      });
    },
  );
});

describe("losing the connection", () => {
  test("recovers, and keeps the time on air", () => {
    const lost = reduce(LIVE, STALLED);
    expect(lost).toMatchObject({ phase: "recovering", failures: 1, lostBy: "stalled" });
    const back = reduce(reduce(lost, { type: "retry" }), { type: "connected", at: 9000 });
    expect(back).toMatchObject({ phase: "live", attempt: 2, liveSince: 5000, failures: 1 });
  });

  test("steady again, the next loss is a first one", () => {
    expect(reduce(reduce(reduce(LIVE, STALLED), CONNECTED), { type: "steady" }).failures).toBe(0);
  });

  test("a server that is away is told from one that refuses", () => {
    expect(reduce(reduce(LIVE, STALLED), refused("unreachable")).refusal).toBe("unreachable");
  });
});

describe("somebody else at the microphone", () => {
  const taken = reduce(reduce(LIVE, { type: "lost", how: "closed" }), { type: "someone-else" });

  test("is said, and nothing is tried", () => {
    expect(taken).toMatchObject({ phase: "taken", wanted: false });
    expect(reduce(taken, { type: "retry" })).toBe(taken);
  });

  test("the host may take it back", () => {
    expect(reduce(taken, { type: "take-back" })).toMatchObject({ phase: "connecting", attempt: 2 });
  });
});

describe("the end", () => {
  test.each([{ type: "ended" }, { type: "event", facts: facts({ phase: "ended" }) }] as StudioMessage[])(
    "comes by $type and stays",
    (message) => {
      const ended = reduce(LIVE, message);
      expect(ended).toMatchObject({ phase: "ended", ending: "no", wanted: false });
      expect(reduce(ended, GO_LIVE)).toBe(ended);
    },
  );

  test("an end that could not be sent leaves the host on air", () => {
    expect(reduce(LIVE, { type: "ending", ending: "failed" })).toMatchObject({
      phase: "live",
      ending: "failed",
    });
  });
});

test("a microphone that is pulled out does not take the page off air", () => {
  expect(reduce(LIVE, { type: "microphone", state: "unplugged" })).toMatchObject({
    phase: "live",
    microphone: "unplugged",
  });
});

test("a record that cannot be found is missing only before the first", () => {
  const failed: StudioMessage = { type: "event-failed", refusal: "missing" };
  expect(reached(failed).phase).toBe("missing");
  expect(reduce(LIVE, failed)).toMatchObject({ phase: "live", reachable: false });
});
