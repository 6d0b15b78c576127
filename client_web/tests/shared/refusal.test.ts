import { describe, expect, test } from "vitest";
import { refusalOf, refusedBy, retryAfterMs } from "../../src/shared/refusal";

test.each([
  [401, "forbidden"],
  [403, "forbidden"],
  [404, "missing"],
  [409, "early"],
  [410, "ended"],
  [415, "rejected"],
  [422, "rejected"],
  [425, "busy"],
  [429, "busy"],
  [500, "broken"],
  [502, "broken"],
  [503, "busy"],
] as const)("status %i means %s", (status, refusal) => {
  expect(refusalOf(status)).toBe(refusal);
});

describe("retryAfterMs", () => {
  const headers = (value: string, date = ""): Headers => {
    const made = new Headers({ "Retry-After": value });
    if (date) made.set("Date", date);
    return made;
  };

  test("reads seconds", () => {
    expect(retryAfterMs(headers("7"), 0)).toBe(7000);
  });

  test("takes a date against the server's clock, not the device's", () => {
    const later = "Wed, 21 Oct 2015 07:28:30 GMT";
    const sent = "Wed, 21 Oct 2015 07:28:00 GMT";
    expect(retryAfterMs(headers(later, sent), 0)).toBe(30_000);
  });

  test("a date that has passed means now", () => {
    expect(retryAfterMs(headers("Wed, 21 Oct 2015 07:28:00 GMT"), Date.UTC(2020, 0))).toBe(0);
  });

  test.each(["soon", "-3", "1.5x", ""])("%j says nothing", (value) => {
    expect(retryAfterMs(headers(value), 0)).toBeNull();
  });

  test("no header, no wait", () => {
    expect(retryAfterMs(new Headers(), 0)).toBeNull();
  });
});

test("the detail of problem+json becomes the message", async () => {
  const body = JSON.stringify({ type: "urn:stentor:problem:full", detail: "no seat is free" });
  const response = new Response(body, {
    status: 503,
    headers: { "Content-Type": "application/problem+json", "Retry-After": "4" },
  });
  expect(await refusedBy(response)).toMatchObject({
    refusal: "busy",
    status: 503,
    retryAfterMs: 4000,
    message: "no seat is free",
  });
});

test("an error page that is not JSON is still an answer", async () => {
  const response = new Response("<h1>Bad gateway</h1>", { status: 502, statusText: "Bad Gateway" });
  expect(await refusedBy(response)).toMatchObject({ refusal: "broken", message: "Bad Gateway" });
});

describe("a place in line", () => {
  const refused = (body: object, status = 503) =>
    refusedBy(
      new Response(JSON.stringify(body), {
        status,
        headers: { "Content-Type": "application/problem+json" },
      }),
    );

  test("comes with the refusal", async () => {
    const body = { type: "urn:stentor:problem:in-line", ticket: "t", arrival: 5 };
    expect((await refused(body)).place).toEqual({ ticket: "t", arrival: 5, inLine: true, counts: false });
    expect(await refused({ ...body, type: "urn:stentor:problem:too-early" }, 425)).toMatchObject({
      refusal: "busy",
      place: { inLine: true, counts: true },
    });
  });

  test("without a seat at this moment is not behind others", async () => {
    const body = { type: "urn:stentor:problem:no-room", ticket: "t", arrival: 5 };
    expect((await refused(body)).place?.inLine).toBe(false);
  });

  test.each([{}, { ticket: "t" }, { ticket: 1, arrival: 5 }, { ticket: "t", arrival: "5" }])(
    "%j is none",
    async (body) => {
      expect((await refused(body)).place).toBeNull();
    },
  );
});
