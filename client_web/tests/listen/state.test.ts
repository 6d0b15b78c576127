import { describe, expect, test } from "vitest";
import {
  holdsSession,
  hostIsAway,
  INITIAL,
  isInLine,
  type ListenMessage,
  type ListenModel,
  type ListenPhase,
  reduce,
} from "../../src/listen/state";
import type { Refusal } from "../../src/shared/refusal";
import { facts } from "../support/facts";

const status = (change = {}): ListenMessage => ({ type: "status", facts: facts(change) });
const refused = (refusal: Refusal, retryAfterMs: number | null = null): ListenMessage => ({
  type: "refused",
  refusal,
  retryAfterMs,
});
const LISTEN: ListenMessage = { type: "listen" };
const FLOWING: ListenMessage = { type: "flowing" };
const STALLED: ListenMessage = { type: "stalled" };
const RETRY: ListenMessage = { type: "retry" };

function reached(...messages: ListenMessage[]): ListenModel {
  return messages.reduce(reduce, INITIAL);
}

const EARLY = reached(status({ phase: "early" }));
const LIVE = reached(status(), LISTEN, FLOWING);

describe("before the start", () => {
  test("an event that is not live is early, and the tap starts no session", () => {
    expect(reduce(EARLY, LISTEN)).toMatchObject({ phase: "early", wanted: true, attempt: 0 });
  });

  test("whoever tapped early joins when it goes live, whoever did not is asked", () => {
    expect(reduce(reduce(EARLY, LISTEN), status())).toMatchObject({ phase: "connecting", attempt: 1 });
    expect(reduce(EARLY, status())).toMatchObject({ phase: "ready", attempt: 0 });
  });

  test("a tap before the first status joins at once", () => {
    expect(reached(LISTEN)).toMatchObject({ phase: "connecting", attempt: 1 });
  });

  test("409 is early, and the tap stays in force", () => {
    const model = reached(status(), LISTEN, refused("early", 4000));
    expect(model).toMatchObject({ phase: "early", wanted: true, askedToWaitMs: 4000 });
  });

  test("stopping before the start takes the tap back", () => {
    expect(reduce(reduce(EARLY, LISTEN), { type: "stop" })).toMatchObject({ phase: "early", wanted: false });
  });
});

describe("joining", () => {
  test("is live when sound arrives, not when the connection stands", () => {
    const connected = reached(status(), LISTEN, { type: "connected" });
    expect(connected.phase).toBe("connecting");
    expect(reduce(connected, FLOWING).phase).toBe("live");
  });

  test("a first attempt that fails is still connecting", () => {
    const model = reached(status(), LISTEN, refused("unreachable"));
    expect(model).toMatchObject({ phase: "connecting", failures: 1 });
    expect(reduce(model, RETRY)).toMatchObject({ phase: "connecting", attempt: 2 });
  });

  test("503 waits as long as it was told, and goes on waiting while it tries", () => {
    const model = reached(status(), LISTEN, refused("busy", 7000));
    expect(model).toMatchObject({ phase: "waiting", failures: 1, askedToWaitMs: 7000 });
    const trying = reduce(model, RETRY);
    expect(trying).toMatchObject({ phase: "waiting", attempt: 2 });
    expect(reduce(trying, refused("busy", 3000))).toMatchObject({
      phase: "waiting",
      failures: 2,
      askedToWaitMs: 3000,
    });
    expect(reduce(trying, { type: "connected" }).phase).toBe("connecting");
    expect(reduce(trying, FLOWING).phase).toBe("live");
  });

  test("503 without Retry-After still waits", () => {
    expect(reached(status(), LISTEN, refused("busy")).askedToWaitMs).toBe(5000);
  });

  test("a browser the server cannot serve tries on slowly", () => {
    expect(reached(status(), LISTEN, refused("rejected"))).toMatchObject({
      phase: "waiting",
      askedToWaitMs: 15_000,
    });
  });
});

describe("recovering", () => {
  test("silence on the wire loses the session but not the wish", () => {
    expect(reduce(LIVE, STALLED)).toMatchObject({ phase: "recovering", wanted: true, failures: 1 });
  });

  test("goes on until sound is back", () => {
    let model = reduce(LIVE, STALLED);
    for (let round = 0; round < 20; round++) model = reduce(reduce(model, RETRY), refused("unreachable"));
    expect(model).toMatchObject({ phase: "recovering", failures: 21, attempt: 21 });
    expect(reduce(reduce(model, RETRY), FLOWING)).toMatchObject({ phase: "live", failures: 21 });
  });

  test("only steady sound forgives earlier failures", () => {
    const back = reduce(reduce(reduce(LIVE, STALLED), RETRY), FLOWING);
    expect(back.failures).toBe(1);
    expect(reduce(back, { type: "steady" }).failures).toBe(0);
  });

  test("a restarted server's 503 is told honestly, and recovery goes on after it", () => {
    const waiting = reduce(reduce(LIVE, STALLED), refused("busy", 2000));
    expect(waiting.phase).toBe("waiting");
    expect(reduce(waiting, { type: "connected" }).phase).toBe("recovering");
  });

  test("a status of a server that forgot the event does not end what plays", () => {
    expect(reduce(LIVE, { type: "status-failed", refusal: "missing" })).toMatchObject({
      phase: "live",
      reachable: false,
    });
  });
});

describe("the end", () => {
  test("comes by status, whatever the page is doing", () => {
    for (const model of [INITIAL, EARLY, LIVE, reduce(LIVE, STALLED)]) {
      expect(reduce(model, status({ phase: "ended" }))).toMatchObject({ phase: "ended", wanted: false });
    }
  });

  test("comes by 410", () => {
    expect(reduce(reduce(LIVE, STALLED), refused("ended")).phase).toBe("ended");
  });

  test("stays", () => {
    const ended = reduce(LIVE, status({ phase: "ended" }));
    for (const message of [LISTEN, RETRY, FLOWING, STALLED, status(), refused("busy")]) {
      expect(reduce(ended, message).phase).toBe("ended");
    }
  });
});

describe("an event that does not exist", () => {
  const missing = reached({ type: "status-failed", refusal: "missing" });

  test("is missing by 404", () => {
    expect(missing.phase).toBe("missing");
    expect(reached(LISTEN, refused("missing"))).toMatchObject({ phase: "missing", wanted: true });
  });

  test("is found once it exists, and joined if it was asked for", () => {
    expect(reduce(missing, status()).phase).toBe("ready");
    expect(reduce(reached(LISTEN, refused("missing")), status())).toMatchObject({ phase: "connecting" });
  });

  test("a server that does not answer says nothing about the event", () => {
    expect(reached({ type: "status-failed", refusal: "unreachable" })).toMatchObject({
      phase: "loading",
      reachable: false,
    });
  });
});

test("stop ends the session and leaves the event to be joined again", () => {
  const stopped = reduce(LIVE, { type: "stop" });
  expect(stopped).toMatchObject({ phase: "ready", wanted: false });
  expect(reduce(stopped, LISTEN)).toMatchObject({ phase: "connecting", attempt: 2, heard: false });
});

test("the host is away only while we are connected to hear it", () => {
  expect(hostIsAway(reduce(LIVE, status({ host: "away" })))).toBe(true);
  expect(hostIsAway(LIVE)).toBe(false);
  expect(hostIsAway(reduce(EARLY, status({ host: "none", phase: "early" })))).toBe(false);
});

test("late notices of a session that is over change nothing", () => {
  for (const message of [FLOWING, STALLED, RETRY, refused("busy", 1000)]) {
    expect(reduce(EARLY, message)).toBe(EARLY);
  }
});

test("from every phase but the end, a tap and a live status lead to a session", () => {
  const all: ListenPhase[] = ["loading", "ready", "early", "waiting", "missing", "connecting", "recovering"];
  for (const phase of all) {
    const model = reduce(reduce({ ...INITIAL, phase }, LISTEN), status());
    expect(holdsSession(model.phase), phase).toBe(true);
  }
});

test("turning the volume unmutes", () => {
  const muted = reduce(LIVE, { type: "mute", muted: true });
  expect(reduce(muted, { type: "volume", volume: 0.4 })).toMatchObject({ muted: false, volume: 0.4 });
});

describe("in line", () => {
  const line = (arrival: number) => ({
    serving: { share: 0, arrival },
    waiting: 10,
    joining: 0,
    rate: 1,
    pace: 1,
    arrivals: [
      [0, 0],
      [9_000, 10],
    ] as const,
  });
  const inLine = (arrival: number): ListenMessage => ({
    type: "refused",
    refusal: "busy",
    retryAfterMs: 2000,
    place: { ticket: "t", arrival, inLine: true, counts: true },
  });
  const WAITING = reached(status({ line: line(1_000) }), LISTEN, inLine(5_000));

  test("a refusal with a place is a place in line", () => {
    expect(WAITING).toMatchObject({ phase: "waiting", place: 5_000, attempt: 1 });
    expect(isInLine(WAITING)).toBe(true);
  });

  test("the status body calls, once", () => {
    expect(reduce(WAITING, status({ line: line(4_999) }))).toMatchObject({ attempt: 1 });
    const called = reduce(WAITING, status({ line: line(5_000) }));
    expect(called).toMatchObject({ phase: "waiting", attempt: 2 });
    expect(reduce(called, status({ line: line(6_000) })).attempt).toBe(2);
  });

  test("a status from a slower cache does not take the call back", () => {
    const called = reduce(WAITING, status({ line: line(5_000) }));
    expect(isInLine(reduce(called, status({ line: line(2_000) })))).toBe(false);
  });

  test("a line that has ended calls everybody", () => {
    expect(reduce(WAITING, status({ line: null }))).toMatchObject({ phase: "waiting", attempt: 2 });
  });

  test("no seat at this moment is not a place behind others", () => {
    const called = reduce(WAITING, status({ line: line(5_000) }));
    const noSeat: ListenMessage = {
      type: "refused",
      refusal: "busy",
      retryAfterMs: 1000,
      place: { ticket: "t", arrival: 5_000, inLine: false, counts: false },
    };
    expect(reduce(called, noSeat)).toMatchObject({ phase: "waiting", failures: 2, askedToWaitMs: 1000 });
    const returning = reached(status({ line: line(1_000) }), LISTEN, noSeat);
    expect(isInLine(returning)).toBe(false);
  });

  test("a kept place waits without asking, and is forgotten once there is a seat", () => {
    const kept = reached({ type: "place", arrival: 5_000 }, status({ line: line(1_000) }), LISTEN);
    expect(kept).toMatchObject({ phase: "waiting", attempt: 0 });
    const seated = reduce(reduce(kept, status({ line: line(5_000) })), FLOWING);
    expect(seated).toMatchObject({ phase: "live", place: null, attempt: 1 });
  });

  test("a line that began anew knows no older places", () => {
    const anew = reduce(WAITING, status({ epoch: 2, line: line(1_000) }));
    expect(anew).toMatchObject({ place: null, attempt: 2 });
  });
});
