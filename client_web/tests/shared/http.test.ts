import { afterEach, beforeEach, expect, test } from "vitest";
import { request, requestJson } from "../../src/shared/http";
import { TestServer } from "../support/http_server";

let server: TestServer;
let base: string;

beforeEach(async () => {
  server = new TestServer();
  base = await server.start();
});
afterEach(() => server.stop());

test("an answer that does not come in time is no answer", async () => {
  server.answer = () => undefined;
  await expect(request(`${base}/slow`, {}, 20)).rejects.toMatchObject({ refusal: "unreachable" });
});

test("an answer that is not JSON is broken", async () => {
  server.answer = (_seen, response) => response.end("<html>");
  await expect(requestJson(`${base}/page`, {}, 1000)).rejects.toMatchObject({
    refusal: "broken",
    status: 200,
  });
});

test("JSON comes back as it is", async () => {
  server.answer = (_seen, response) => response.end('{"now":"x"}');
  expect(await requestJson(`${base}/status`, {}, 1000)).toEqual({ now: "x" });
});
