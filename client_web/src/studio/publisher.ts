import { type OutboundStats, outboundStats, type TransportStats, transportStats } from "../shared/peer_stats";
import type { Refusal } from "../shared/refusal";
import { RefusedError } from "../shared/refusal";
import { endSession, openSession } from "../shared/signalling";
import { PathWatch } from "./path_watch";
import type { Loss } from "./state";

const STATS_EVERY_MS = 250;
const CONNECT_MS = 4_000;

export type PublisherNotice =
  | { readonly type: "connected"; readonly at: number }
  | { readonly type: "lost"; readonly how: Loss }
  | { readonly type: "refused"; readonly refusal: Refusal; readonly retryAfterMs: number | null };

export interface PublisherStats extends OutboundStats, TransportStats {
  readonly connectionState: string;
}

/** One WHIP session from POST to DELETE. */
class Attempt {
  readonly peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  readonly sender: RTCRtpSender;
  readonly aborter = new AbortController();
  readonly startedAt = performance.now();
  url: string | null = null;
  timer = 0;
  connectedMs: number | null = null;

  constructor(track: MediaStreamTrack, stream: MediaStream) {
    const init: RTCRtpTransceiverInit = { direction: "sendonly", streams: [stream] };
    this.sender = this.peer.addTransceiver(track, init).sender;
  }

  get over(): boolean {
    return this.aborter.signal.aborted;
  }

  end(hostKey: string): void {
    this.aborter.abort();
    clearTimeout(this.timer);
    if (this.url !== null) endSession(this.url, hostKey);
    this.peer.close();
  }
}

/** Sends the microphone to the event over WHIP: one peer connection per join. */
export class Publisher {
  private attempt: Attempt | null = null;

  constructor(
    private readonly endpoint: string,
    private readonly hostKey: string,
    /** Whether the server says that somebody is heard; false if it does not answer. */
    private readonly isHeard: () => Promise<boolean>,
    private readonly notify: (notice: PublisherNotice) => void,
  ) {}

  /** Opens a new session in place of the one before. */
  join(stream: MediaStream): void {
    const track = stream.getAudioTracks()[0];
    if (track === undefined) return;
    this.attempt?.end(this.hostKey);
    const attempt = new Attempt(track, stream);
    this.attempt = attempt;
    attempt.peer.addEventListener("connectionstatechange", () => this.noteConnection(attempt));
    this.negotiate(attempt).catch((error: unknown) => {
      if (attempt.over) return;
      const refused =
        error instanceof RefusedError ? error : new RefusedError("broken", null, null, String(error));
      attempt.end(this.hostKey);
      this.notify({ type: "refused", refusal: refused.refusal, retryAfterMs: refused.retryAfterMs });
    });
  }

  /** Sends another microphone from now on, without a new session. */
  async replaceTrack(track: MediaStreamTrack): Promise<void> {
    await this.attempt?.sender.replaceTrack(track);
  }

  leave(): void {
    this.attempt?.end(this.hostKey);
    this.attempt = null;
  }

  get connectedMs(): number | null {
    return this.attempt?.connectedMs ?? null;
  }

  async stats(): Promise<PublisherStats | null> {
    if (this.attempt === null) return null;
    const { peer } = this.attempt;
    const report = await peer.getStats();
    return { ...outboundStats(report), ...transportStats(report), connectionState: peer.connectionState };
  }

  private async negotiate(attempt: Attempt): Promise<void> {
    const { peer } = attempt;
    await peer.setLocalDescription();
    const session = await openSession({
      endpoint: this.endpoint,
      offer: peer.localDescription?.sdp ?? "",
      token: this.hostKey,
      signal: attempt.aborter.signal,
    });
    if (attempt.over) return endSession(session.url, this.hostKey);
    attempt.url = session.url;
    await peer.setRemoteDescription({ type: "answer", sdp: session.answer });
    const transport = attempt.sender.transport;
    transport?.addEventListener("statechange", () => {
      if (transport.state === "closed") this.lose(attempt, "closed");
    });
    this.watch(attempt).catch(() => this.lose(attempt, "stalled"));
  }

  /** Loses the session when nothing has come back over its path for a while, or it never came to stand. */
  private async watch(attempt: Attempt): Promise<void> {
    const path = new PathWatch();
    const answeredAt = performance.now();
    while (!attempt.over) {
      const { pairBytesReceived } = transportStats(await attempt.peer.getStats());
      const now = performance.now();
      if (attempt.connectedMs === null) {
        if (now - answeredAt >= CONNECT_MS) return this.lose(attempt, "stalled");
      } else {
        const { state, turned } = path.note(pairBytesReceived, now);
        if (state === "lost") return this.lose(attempt, "stalled");
        if (state === "doubtful" && turned) void this.isHeard().then((heard) => heard && path.vouch());
      }
      await new Promise((resolve) => {
        attempt.timer = window.setTimeout(resolve, STATS_EVERY_MS);
      });
    }
  }

  private noteConnection(attempt: Attempt): void {
    if (attempt.over) return;
    if (attempt.peer.connectionState === "failed") this.lose(attempt, "stalled");
    if (attempt.peer.connectionState !== "connected" || attempt.connectedMs !== null) return;
    attempt.connectedMs = Math.round(performance.now() - attempt.startedAt);
    this.notify({ type: "connected", at: Date.now() });
  }

  private lose(attempt: Attempt, how: Loss): void {
    if (attempt.over) return;
    attempt.end(this.hostKey);
    this.notify({ type: "lost", how });
  }
}

/** What the page needs of anything that sends a microphone. */
export type Publishing = Pick<Publisher, keyof Publisher>;
