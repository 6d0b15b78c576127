import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ListenController } from "../../src/listen/controller";
import type { Seat } from "../../src/listen/moving";
import type { Player, PlayerNotice } from "../../src/listen/player";
import type { EventFacts } from "../../src/shared/event_facts";
import { type Place, RefusedError } from "../../src/shared/refusal";
import { facts } from "../support/facts";

/** A second implementation of Player that plays nothing and writes down what it was asked. */
class WrittenPlayer implements Player {
  readonly asked: string[] = [];
  readonly times = { connectedMs: null, firstPacketMs: null };
  constructor(readonly notify: (notice: PlayerNotice) => void) {}
  prime = (): void => void this.asked.push("prime");
  join = (): void => void this.asked.push("join");
  leave = (): void => void this.asked.push("leave");
  move = (): void => void this.asked.push("move");
  seat: Seat | null = null;
  resume = (): void => void this.asked.push("resume");
  setMuted = (muted: boolean): void => void this.asked.push(`muted ${muted}`);
  setVolume = (volume: number): void => void this.asked.push(`volume ${volume}`);
  stream = (): null => null;
  stats = (): Promise<null> => Promise.resolve(null);
}

let answer: EventFacts | RefusedError;
let polls: number;
let place: Place | RefusedError;
let hasTicket: boolean;
let player: WrittenPlayer;
let controller: ListenController;

beforeEach(() => {
  vi.useFakeTimers();
  answer = facts();
  polls = 0;
  place = { ticket: "t", arrival: 5_000, inLine: true, counts: true };
  hasTicket = false;
  controller = new ListenController({
    fetchStatus: () => {
      polls++;
      return answer instanceof RefusedError ? Promise.reject(answer) : Promise.resolve(answer);
    },
    takePlace: () => {
      player.asked.push("place");
      return place instanceof RefusedError ? Promise.reject(place) : Promise.resolve(place);
    },
    keptPlace: null,
    hasTicket: () => hasTicket,
    makePlayer: (notify) => {
      player = new WrittenPlayer(notify);
      return player;
    },
    random: () => 0.5,
  });
});
afterEach(() => vi.useRealTimers());

const phase = (): string => controller.store.model.phase;
const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

test("the element is primed and the session begun inside the tap itself", async () => {
  controller.start();
  await pass(0);
  controller.listen();
  expect(player.asked).toEqual(["prime", "join"]);
});

test("tapped early, it joins by itself as soon as a poll says live", async () => {
  answer = facts({ phase: "early" });
  controller.start();
  await pass(0);
  controller.listen();
  expect(player.asked).toEqual(["prime"]);
  answer = facts();
  await pass(2_500);
  expect(player.asked).toEqual(["prime", "join"]);
});

describe("after a stall", () => {
  beforeEach(async () => {
    controller.start();
    await pass(0);
    controller.listen();
    player.notify({ type: "flowing" });
    player.asked.length = 0;
  });

  test("the first retry comes within 300 ms", async () => {
    player.notify({ type: "stalled" });
    expect(phase()).toBe("recovering");
    await pass(300);
    expect(player.asked).toEqual(["join"]);
  });

  test("against a dead server it tries at least every 2.5 s", async () => {
    player.notify({ type: "stalled" });
    for (let round = 0; round < 12; round++) {
      player.asked.length = 0;
      await pass(2_500);
      expect(player.asked).toContain("join");
      player.notify({ type: "refused", refusal: "unreachable", retryAfterMs: null });
    }
    await pass(2_500);
    player.notify({ type: "flowing" });
    expect(phase()).toBe("live");
  });

  test("a Retry-After is obeyed", async () => {
    player.notify({ type: "stalled" });
    await pass(300);
    player.notify({ type: "refused", refusal: "busy", retryAfterMs: 10_000 });
    player.asked.length = 0;
    await pass(9_999);
    expect(player.asked).toEqual([]);
    await pass(2_001);
    expect(player.asked).toEqual(["join"]);
  });

  test("stopping calls off the retry", async () => {
    player.notify({ type: "stalled" });
    controller.stop();
    await pass(60_000);
    expect(player.asked).toEqual(["leave"]);
  });

  test("the end of the event leaves the session and stops polling", async () => {
    answer = facts({ phase: "ended" });
    await pass(12_000);
    expect(phase()).toBe("ended");
    expect(player.asked).toEqual(["leave"]);
    const before = polls;
    await pass(120_000);
    expect(polls).toBe(before);
  });

  test("ten steady seconds make the next loss a first one again", async () => {
    player.notify({ type: "stalled" });
    await pass(300);
    player.notify({ type: "flowing" });
    expect(controller.store.model.failures).toBe(1);
    await pass(10_000);
    expect(controller.store.model.failures).toBe(0);
  });
});

test("a refused join waits for the start in the rhythm of the start", async () => {
  controller.start();
  await pass(0);
  controller.listen();
  answer = facts({ phase: "early" });
  player.notify({ type: "refused", refusal: "early", retryAfterMs: null });
  answer = facts();
  await pass(2_500);
  expect(player.asked.filter((word) => word === "join")).toHaveLength(2);
});

test("an event nobody knows is asked for again", async () => {
  answer = new RefusedError("missing", 404, null, "");
  controller.start();
  await pass(0);
  expect(phase()).toBe("missing");
  answer = facts();
  await pass(12_000);
  expect(phase()).toBe("ready");
});

test("leaving the page ends the session, and coming back to it joins again", async () => {
  controller.start();
  await pass(0);
  controller.listen();
  controller.pageHidden();
  controller.pageShownAgain();
  expect(player.asked).toEqual(["prime", "join", "leave", "join"]);
});

describe("where there is a line", () => {
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

  beforeEach(async () => {
    answer = facts({ line: line(1_000) });
    controller.start();
    await pass(0);
    controller.listen();
    await pass(0);
  });

  test("the tap takes a place, not a session, and the call brings the session", async () => {
    expect(player.asked).toEqual(["prime", "place"]);
    expect(phase()).toBe("waiting");
    hasTicket = true;
    await pass(30_000);
    expect(player.asked).toEqual(["prime", "place"]);
    answer = facts({ line: line(6_000) });
    await pass(3_000);
    expect(player.asked).toEqual(["prime", "place", "join"]);
    player.notify({ type: "flowing" });
    expect(phase()).toBe("live");
  });

  test("a place that came with a 503 is shown once more, so that it counts", async () => {
    const place503 = { ticket: "t", arrival: 5_000, inLine: true, counts: false };
    hasTicket = true;
    player.asked.length = 0;
    player.notify({ type: "refused", refusal: "busy", retryAfterMs: 2_000, place: place503 });
    await pass(2_400);
    expect(player.asked).toEqual(["join"]);
    player.notify({
      type: "refused",
      refusal: "busy",
      retryAfterMs: 2_000,
      place: { ...place503, counts: true },
    });
    await pass(20_000);
    expect(player.asked).toEqual(["join"]);
  });

  test("called and no seat yet: tries again when it was told to", async () => {
    hasTicket = true;
    answer = facts({ line: line(6_000) });
    await pass(3_000);
    player.notify({
      type: "refused",
      refusal: "busy",
      retryAfterMs: 1_000,
      place: { ticket: "t", arrival: 5_000, inLine: false, counts: false },
    });
    player.asked.length = 0;
    await pass(1_200);
    expect(player.asked).toEqual(["join"]);
  });

  test("too early by the gateway's view: goes on asking as it was told", async () => {
    hasTicket = true;
    answer = facts({ line: line(6_000) });
    await pass(3_000);
    player.notify({
      type: "refused",
      refusal: "busy",
      retryAfterMs: 2_000,
      place: { ticket: "t", arrival: 5_000, inLine: true, counts: true },
    });
    player.asked.length = 0;
    await pass(2_400);
    expect(player.asked).toEqual(["join"]);
  });
});

test("a place that could not be had is asked for again", async () => {
  answer = facts({
    line: { serving: { share: 0, arrival: 1 }, waiting: 1, joining: 0, rate: 1, pace: 1, arrivals: [] },
  });
  place = new RefusedError("unreachable", null, null, "");
  controller.start();
  await pass(0);
  controller.listen();
  await pass(400);
  expect(player.asked.filter((asked) => asked === "place").length).toBeGreaterThan(1);
});

describe("asked to move", () => {
  const moves = [{ shard: 7, fraction: 1, seed: "s", deadline: 1_015_000, since: null }];

  beforeEach(async () => {
    controller.start();
    await pass(0);
    controller.listen();
    player.notify({ type: "flowing" });
    player.seat = { shard: 7, token: "token", seatedAt: 0 };
    answer = facts({ moves, pollMs: 1_000 });
    player.asked.length = 0;
  });

  test("it moves once, before the deadline, without losing what plays", async () => {
    await pass(30_000);
    expect(player.asked).toEqual(["move"]);
    expect(phase()).toBe("live");
  });

  test("a move that was refused is tried again", async () => {
    await pass(30_000);
    player.notify({ type: "moved", moved: false });
    await pass(30_000);
    expect(player.asked).toEqual(["move", "move"]);
  });

  test("on the new shard nothing is asked of it", async () => {
    player.seat = { shard: 8, token: "token", seatedAt: 0 };
    await pass(30_000);
    expect(player.asked).toEqual([]);
  });
});
