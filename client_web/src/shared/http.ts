import { RefusedError, refusedBy } from "./refusal";

/** `fetch` with an end: throws RefusedError for no answer within `timeoutMs` and for every answer that is not 2xx. */
export async function request(url: string, init: RequestInit, timeoutMs: number): Promise<Response> {
  const aborter = new AbortController();
  const timer = setTimeout(() => aborter.abort(), timeoutMs);
  const outer = init.signal;
  const forward = (): void => aborter.abort();
  outer?.addEventListener("abort", forward);
  try {
    const response = await fetch(url, { ...init, signal: aborter.signal });
    if (!response.ok) throw await refusedBy(response);
    return response;
  } catch (error) {
    if (error instanceof RefusedError) throw error;
    throw new RefusedError("unreachable", null, null, String(error));
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener("abort", forward);
  }
}

/** `request` for JSON. An answer that is not JSON is "broken". */
export async function requestJson(url: string, init: RequestInit, timeoutMs: number): Promise<unknown> {
  const response = await request(url, init, timeoutMs);
  try {
    return await response.json();
  } catch (error) {
    throw new RefusedError("broken", response.status, null, String(error));
  }
}
