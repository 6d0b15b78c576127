import type { Seat } from "../listen/moving";
import { type OutboundStats, outboundStats, type TransportStats, transportStats } from "../shared/peer_stats";
import type { Refusal } from "../shared/refusal";
import { RefusedError } from "../shared/refusal";
import { endSession, openSession } from "../shared/signalling";
import { Overlap } from "./overlap";
import { PathWatch } from "./path_watch";
import { PublishSession } from "./publish_session";
import type { Loss } from "./state";

const STATS_EVERY_MS = 250;
const CONNECT_MS = 4_000;

export type PublisherNotice =
  | { readonly type: "connected"; readonly at: number }
  | { readonly type: "moving" }
  | { readonly type: "moved"; readonly moved: boolean }
  | { readonly type: "lost"; readonly how: Loss }
  | { readonly type: "refused"; readonly refusal: Refusal; readonly retryAfterMs: number | null };

export interface PublisherStats extends OutboundStats, TransportStats {
  readonly connectionState: string;
}

/** Sends the microphone to the event over WHIP: one peer connection per session, two while it moves. */
export class Publisher {
  private session: PublishSession | null = null;
  /** The session on another stage while `session` still sends too. */
  private next: PublishSession | null = null;

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
    this.leave();
    this.session = this.begin(track, stream);
  }

  /** Opens a second session on another stage; the first ends once the second sends. `moved` tells the end. */
  move(): void {
    const track = this.session?.sender.track;
    if (track == null || this.seat === null || this.next !== null) return;
    this.notify({ type: "moving" });
    this.next = this.begin(track, new MediaStream([track]));
  }

  /** Sends another microphone from now on, without a new session. */
  async replaceTrack(track: MediaStreamTrack): Promise<void> {
    await Promise.all([this.session?.sender.replaceTrack(track), this.next?.sender.replaceTrack(track)]);
  }

  leave(): void {
    this.session?.end();
    this.next?.end();
    this.session = null;
    this.next = null;
  }

  get connectedMs(): number | null {
    return this.session?.connectedMs ?? null;
  }

  /** Which stage has the microphone; null before it is connected, or when the server does not say. */
  get seat(): Seat | null {
    const { session } = this;
    if (session === null || session.connectedMs === null || session.shard === null) return null;
    return { shard: session.shard, token: session.token, seatedAt: 0 };
  }

  async stats(): Promise<PublisherStats | null> {
    if (this.session === null) return null;
    const { peer } = this.session;
    const report = await peer.getStats();
    return { ...outboundStats(report), ...transportStats(report), connectionState: peer.connectionState };
  }

  private begin(track: MediaStreamTrack, stream: MediaStream): PublishSession {
    const session = new PublishSession(track, stream, this.hostKey);
    session.peer.addEventListener("connectionstatechange", () => this.noteConnection(session));
    this.negotiate(session).catch((error: unknown) => {
      if (session.over) return;
      const refused =
        error instanceof RefusedError ? error : new RefusedError("broken", null, null, String(error));
      if (this.abandonMove(session)) return;
      session.end();
      this.notify({ type: "refused", refusal: refused.refusal, retryAfterMs: refused.retryAfterMs });
    });
    return session;
  }

  private async negotiate(session: PublishSession): Promise<void> {
    const { peer } = session;
    await peer.setLocalDescription();
    const opened = await openSession({
      endpoint: this.endpoint,
      offer: peer.localDescription?.sdp ?? "",
      token: this.hostKey,
      signal: session.aborter.signal,
    });
    if (session.over) return endSession(opened.url, this.hostKey);
    session.url = opened.url;
    session.shard = opened.shard;
    // Connected, it would end the session before it: a stage has one host of each event.
    if (session === this.next && opened.shard === this.session?.shard) return void this.abandonMove(session);
    await peer.setRemoteDescription({ type: "answer", sdp: opened.answer });
    const transport = session.sender.transport;
    transport?.addEventListener("statechange", () => {
      if (transport.state === "closed") this.lose(session, "closed");
    });
    this.watch(session).catch(() => this.lose(session, "stalled"));
  }

  /** Loses the session when nothing has come back over its path for a while, or it never came to stand. */
  private async watch(session: PublishSession): Promise<void> {
    const path = new PathWatch();
    const answeredAt = performance.now();
    const overlap = new Overlap(answeredAt);
    while (!session.over) {
      const report = await session.peer.getStats();
      const now = performance.now();
      const isConnected = session.connectedMs !== null;
      if (session === this.next) {
        const state = overlap.note(isConnected, outboundStats(report).packetsSent, now);
        if (state === "done") this.finishMove(session);
        if (state === "late") return this.lose(session, "stalled");
      }
      if (!isConnected) {
        if (now - answeredAt >= CONNECT_MS) return this.lose(session, "stalled");
      } else {
        const { state, turned } = path.note(transportStats(report).pairBytesReceived, now);
        if (state === "lost") return this.lose(session, "stalled");
        if (state === "doubtful" && turned) void this.isHeard().then((heard) => heard && path.vouch());
      }
      await new Promise((resolve) => {
        session.timer = window.setTimeout(resolve, STATS_EVERY_MS);
      });
    }
  }

  private noteConnection(session: PublishSession): void {
    if (session.over) return;
    if (session.peer.connectionState === "failed") this.lose(session, "stalled");
    if (session.peer.connectionState !== "connected" || session.connectedMs !== null) return;
    session.connectedMs = Math.round(performance.now() - session.startedAt);
    if (session !== this.next) this.notify({ type: "connected", at: Date.now() });
  }

  /** Both have sent for long enough: the new session is the one from here on. */
  private finishMove(session: PublishSession): void {
    const old = this.session;
    this.session = session;
    this.next = null;
    old?.end();
    this.notify({ type: "moved", moved: true });
  }

  /** Whether `session` was only a move: then the first one goes on sending. */
  private abandonMove(session: PublishSession): boolean {
    if (session !== this.next) return false;
    this.next = null;
    session.end();
    this.notify({ type: "moved", moved: false });
    return true;
  }

  private lose(session: PublishSession, how: Loss): void {
    if (session.over || this.abandonMove(session)) return;
    session.end();
    // The stage that is to be left has gone before the overlap was over: the other one is already there.
    if (session === this.session && this.next !== null) this.finishMove(this.next);
    else this.notify({ type: "lost", how });
  }
}

/** What the page needs of anything that sends a microphone. */
export type Publishing = Pick<Publisher, keyof Publisher>;
