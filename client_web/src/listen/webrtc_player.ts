import { inboundStats, transportStats } from "../shared/peer_stats";
import { RefusedError } from "../shared/refusal";
import { endSession, openSession } from "../shared/signalling";
import { StallWatch } from "../shared/stall_watch";
import { AudioOutput } from "./audio_output";
import type { Seat } from "./moving";
import type { JoinTimes, Player, PlayerNotice, PlayerStats } from "./player";
import type { TicketKeeper } from "./ticket";

const STATS_EVERY_MS = 250;
const SILENCE_MS = 1_500; // on the wire, not in the sound: the program never stops sending, host or no host
// One-way sound: nobody notices a tenth of a second, everybody notices a gap. It also covers the server's longer
// packets under load, whose steps a shorter buffer would conceal (measured in Chromium 156: 31 ms each).
const JITTER_TARGET_MS = 100;
const FIRST_PACKET_MS = 4_000; // ICE and DTLS through 10 % loss take under 1 s (p95)

/** One WHEP session from POST to DELETE. */
class Attempt {
  readonly peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  readonly receiver = this.peer.addTransceiver("audio", { direction: "recvonly" }).receiver;
  readonly aborter = new AbortController();
  readonly startedAt = performance.now();
  url: string | null = null;
  seat: Seat | null = null;
  timer = 0;
  connectedMs: number | null = null;
  firstPacketMs: number | null = null;

  constructor() {
    if ("jitterBufferTarget" in this.receiver) this.receiver.jitterBufferTarget = JITTER_TARGET_MS;
  }

  get over(): boolean {
    return this.aborter.signal.aborted;
  }

  elapsed(): number {
    return Math.round(performance.now() - this.startedAt);
  }

  end(): void {
    this.aborter.abort();
    clearTimeout(this.timer);
    if (this.url !== null) endSession(this.url);
    this.peer.close();
  }
}

/** Plays an event over WebRTC: one peer connection per join, all on the same audio element. */
export class WebRtcPlayer implements Player {
  private readonly output: AudioOutput;
  private attempt: Attempt | null = null;
  /** The seat being taken elsewhere while `attempt` still plays. */
  private next: Attempt | null = null;

  constructor(
    private readonly endpoint: string,
    private readonly ticket: TicketKeeper,
    private readonly serverNow: () => number,
    private readonly notify: (notice: PlayerNotice) => void,
  ) {
    this.output = new AudioOutput(
      (blocked) => notify({ type: "blocked", blocked }),
      () => notify({ type: "mute", muted: true }),
    );
  }

  prime(): void {
    this.output.prime();
  }

  join(): void {
    this.attempt?.end();
    this.next?.end();
    this.next = null;
    const attempt = this.begin();
    this.attempt = attempt;
    this.output.show(new MediaStream([attempt.receiver.track]));
  }

  move(): void {
    if (this.attempt === null || this.attempt.firstPacketMs === null || this.next !== null) return;
    this.next = this.begin();
  }

  get seat(): Seat | null {
    return this.attempt?.firstPacketMs == null ? null : this.attempt.seat;
  }

  leave(): void {
    this.attempt?.end();
    this.next?.end();
    this.attempt = null;
    this.next = null;
    this.output.clear();
  }

  setMuted(muted: boolean): void {
    this.output.setMuted(muted);
  }

  setVolume(volume: number): void {
    this.output.setVolume(volume);
  }

  resume(): void {
    this.output.play();
  }

  get times(): JoinTimes {
    return {
      connectedMs: this.attempt?.connectedMs ?? null,
      firstPacketMs: this.attempt?.firstPacketMs ?? null,
    };
  }

  stream(): MediaStream | null {
    return this.output.stream;
  }

  async stats(): Promise<PlayerStats | null> {
    if (this.attempt === null) return null;
    const { peer } = this.attempt;
    const report = await peer.getStats();
    return { ...inboundStats(report), ...transportStats(report), connectionState: peer.connectionState };
  }

  private begin(): Attempt {
    const attempt = new Attempt();
    attempt.receiver.track.addEventListener("unmute", () => this.noteFirstPacket(attempt));
    attempt.peer.addEventListener("connectionstatechange", () => this.noteConnection(attempt));
    this.negotiate(attempt).catch((error: unknown) => {
      if (attempt.over) return;
      const refused =
        error instanceof RefusedError ? error : new RefusedError("broken", null, null, String(error));
      attempt.end();
      if (this.abandonMove(attempt)) return;
      if (refused.place !== null) this.ticket.keepPlace(refused.place);
      const { refusal, retryAfterMs, place } = refused;
      this.notify({ type: "refused", refusal, retryAfterMs, place });
    });
    return attempt;
  }

  /** Whether `attempt` was only a move: then what plays goes on playing. */
  private abandonMove(attempt: Attempt): boolean {
    if (attempt !== this.next) return false;
    this.next = null;
    this.notify({ type: "moved", moved: false });
    return true;
  }

  /** The new seat sounds: from here on it is the one that plays, and the old one can go. */
  private finishMove(attempt: Attempt): void {
    const old = this.attempt;
    this.attempt = attempt;
    this.next = null;
    this.output.show(new MediaStream([attempt.receiver.track]));
    old?.end();
    this.notify({ type: "moved", moved: true });
  }

  private async negotiate(attempt: Attempt): Promise<void> {
    const { peer } = attempt;
    await peer.setLocalDescription();
    const session = await openSession({
      endpoint: this.endpoint,
      offer: peer.localDescription?.sdp ?? "",
      ticket: this.ticket.ticket,
      resume: this.ticket.resume,
      signal: attempt.aborter.signal,
    });
    if (attempt.over) return endSession(session.url);
    attempt.url = session.url;
    this.ticket.keepSeat(session.ticket, session.resume);
    const token = new URL(session.url).pathname.split("/").at(-1) ?? "";
    if (session.shard !== null) attempt.seat = { shard: session.shard, token, seatedAt: this.serverNow() };
    await peer.setRemoteDescription({ type: "answer", sdp: session.answer });
    // Only now does the server end exist: closed by it means ended, moved or replaced, and that is known at once.
    const transport = attempt.receiver.transport;
    transport?.addEventListener("statechange", () => {
      if (transport.state === "closed" || transport.state === "failed") this.lose(attempt);
    });
    this.watch(attempt).catch(() => this.lose(attempt));
  }

  /** Reads the counters until the session is over or nothing arrives any more. */
  private async watch(attempt: Attempt): Promise<void> {
    const silence = new StallWatch();
    const answeredAt = performance.now();
    while (!attempt.over) {
      const { packetsReceived } = inboundStats(await attempt.receiver.getStats());
      const now = performance.now();
      if (packetsReceived > 0) {
        this.noteFirstPacket(attempt);
        if (silence.note(packetsReceived, now) >= SILENCE_MS) return this.lose(attempt);
      } else if (now - answeredAt >= FIRST_PACKET_MS) {
        return this.lose(attempt);
      }
      await new Promise((resolve) => {
        attempt.timer = window.setTimeout(resolve, STATS_EVERY_MS);
      });
    }
  }

  private noteConnection(attempt: Attempt): void {
    if (attempt.over) return;
    if (attempt.peer.connectionState === "failed") this.lose(attempt);
    if (attempt.peer.connectionState !== "connected" || attempt.connectedMs !== null) return;
    attempt.connectedMs = attempt.elapsed();
    if (attempt !== this.next) this.notify({ type: "connected" });
  }

  private noteFirstPacket(attempt: Attempt): void {
    if (attempt.over || attempt.firstPacketMs !== null) return;
    attempt.firstPacketMs = attempt.elapsed();
    if (attempt === this.next) this.finishMove(attempt);
    else this.notify({ type: "flowing" });
  }

  private lose(attempt: Attempt): void {
    if (attempt.over) return;
    attempt.end();
    if (this.abandonMove(attempt)) return;
    // One ticket has one seat: on the same shard the new one ends the old one before it sounds.
    if (attempt === this.attempt && this.next !== null) this.finishMove(this.next);
    else this.notify({ type: "stalled" });
  }
}
