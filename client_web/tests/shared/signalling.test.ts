import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RefusedError } from "../../src/shared/refusal";
import { endSession, openSession, parseIceServers } from "../../src/shared/signalling";
import { TestServer } from "../support/http_server";

let server: TestServer;
let base: string;

beforeEach(async () => {
  server = new TestServer();
  base = await server.start();
});
afterEach(() => server.stop());

const CREATED = { "Content-Type": "application/sdp", Location: "/whep/talk/token", ETag: '"1"' };

function grant(extra: Record<string, string> = {}): void {
  server.answer = (_seen, response) => response.writeHead(201, { ...CREATED, ...extra }).end("v=0 answer");
}

describe("openSession", () => {
  test("posts the offer as SDP and returns the session", async () => {
    grant({ "Stentor-Ticket": "ticket-2" });
    const session = await openSession({ endpoint: `${base}/whep/talk`, offer: "v=0 offer" });
    expect(server.seen[0]).toMatchObject({ method: "POST", path: "/whep/talk", body: "v=0 offer" });
    expect(server.seen[0]?.headers["content-type"]).toBe("application/sdp");
    expect(session).toEqual({
      url: `${base}/whep/talk/token`,
      answer: "v=0 answer",
      etag: '"1"',
      ticket: "ticket-2",
      resume: null,
      shard: null,
      iceServers: [],
    });
  });

  test("shows the ticket and the key it was given, and nothing when it has none", async () => {
    grant();
    await openSession({ endpoint: `${base}/whep/talk`, offer: "o", ticket: "ticket-1" });
    await openSession({ endpoint: `${base}/whip/talk`, offer: "o", token: "key" });
    expect(server.seen[0]?.headers["stentor-ticket"]).toBe("ticket-1");
    expect(server.seen[0]?.headers).not.toHaveProperty("authorization");
    expect(server.seen[1]?.headers.authorization).toBe("Bearer key");
    expect(server.seen[1]?.headers).not.toHaveProperty("stentor-ticket");
  });

  test("shows the way back only with the ticket it belongs to, and reads the new one and the shard", async () => {
    grant({ "Stentor-Ticket": "t", "Stentor-Resume": "r-2", "Stentor-Shard": "4294967295" });
    const open = { endpoint: `${base}/whep/talk`, offer: "o", resume: "r-1" };
    const session = await openSession({ ...open, ticket: "t" });
    expect(server.seen[0]?.headers["stentor-resume"]).toBe("r-1");
    expect(session).toMatchObject({ resume: "r-2", shard: 4_294_967_295 });
    await openSession(open);
    expect(server.seen[1]?.headers).not.toHaveProperty("stentor-resume");
  });

  test("follows a 307 with the offer, and resolves Location where it ended up", async () => {
    const other = new TestServer();
    const elsewhere = await other.start();
    other.answer = (_seen, response) => response.writeHead(201, CREATED).end("v=0 answer");
    server.answer = (_seen, response) =>
      response.writeHead(307, { Location: `${elsewhere}/whep/talk` }).end();
    const session = await openSession({ endpoint: `${base}/whep/talk`, offer: "v=0 offer" });
    expect(other.seen[0]?.body).toBe("v=0 offer");
    expect(session.url).toBe(`${elsewhere}/whep/talk/token`);
    await other.stop();
  });

  test("a refusal carries its meaning and its Retry-After", async () => {
    server.answer = (_seen, response) => response.writeHead(503, { "Retry-After": "3" }).end();
    await expect(openSession({ endpoint: `${base}/whep/talk`, offer: "o" })).rejects.toMatchObject({
      refusal: "busy",
      status: 503,
      retryAfterMs: 3000,
    });
  });

  test.each([
    ["a 200", 200, CREATED],
    ["no Location", 201, { "Content-Type": "application/sdp" }],
    ["another type", 201, { ...CREATED, "Content-Type": "text/html" }],
  ])("%s is not an answer to an offer", async (_name, status, headers) => {
    server.answer = (_seen, response) => response.writeHead(status, headers).end("v=0");
    await expect(openSession({ endpoint: `${base}/whep/talk`, offer: "o" })).rejects.toMatchObject({
      refusal: "broken",
    });
  });

  test("a server that is not there is unreachable", async () => {
    await server.stop();
    const opening = openSession({ endpoint: `${base}/whep/talk`, offer: "o" });
    await expect(opening).rejects.toBeInstanceOf(RefusedError);
    await expect(opening).rejects.toMatchObject({ refusal: "unreachable", status: null });
    await server.start();
  });

  test("gives up when the page no longer wants it", async () => {
    server.answer = () => undefined; // never answers
    const aborter = new AbortController();
    const opening = openSession({ endpoint: `${base}/whep/talk`, offer: "o", signal: aborter.signal });
    aborter.abort();
    await expect(opening).rejects.toMatchObject({ refusal: "unreachable" });
  });
});

describe("endSession", () => {
  test("deletes the session with the key it was opened with", async () => {
    const arrived = new Promise<void>((resolve) => {
      server.answer = (_seen, response) => {
        response.end();
        resolve();
      };
    });
    endSession(`${base}/whip/talk/token`, "key");
    await arrived;
    expect(server.seen[0]).toMatchObject({ method: "DELETE", path: "/whip/talk/token" });
    expect(server.seen[0]?.headers.authorization).toBe("Bearer key");
  });

  test("a server that is gone is nobody's error", async () => {
    await server.stop();
    expect(() => endSession(`${base}/whep/talk/token`)).not.toThrow();
    await server.start();
  });
});

describe("parseIceServers", () => {
  test("reads STUN and TURN with their credentials", () => {
    const link =
      '<stun:stun.example.net>; rel="ice-server", <turn:turn.example.net?transport=udp>; rel="ice-server"; ' +
      'username="user"; credential="pa,ss;word"; credential-type="password"';
    expect(parseIceServers(link)).toEqual([
      { urls: "stun:stun.example.net" },
      { urls: "turn:turn.example.net?transport=udp", username: "user", credential: "pa,ss;word" },
    ]);
  });

  test.each([null, "", "nonsense", '<https://example.net/x>; rel="next"', "<>; rel=ice-server"])(
    "%j has none",
    (link) => {
      expect(parseIceServers(link)).toEqual([]);
    },
  );
});
