import { endSession } from "../shared/signalling";

/** One WHIP session of the host from POST to DELETE. */
export class PublishSession {
  readonly peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  readonly sender: RTCRtpSender;
  readonly aborter = new AbortController();
  readonly startedAt = performance.now();
  url: string | null = null;
  /** Which shard it is with, once the server has said so. */
  shard: number | null = null;
  timer = 0;
  connectedMs: number | null = null;

  constructor(
    track: MediaStreamTrack,
    stream: MediaStream,
    private readonly hostKey: string,
  ) {
    const init: RTCRtpTransceiverInit = { direction: "sendonly", streams: [stream] };
    this.sender = this.peer.addTransceiver(track, init).sender;
  }

  get over(): boolean {
    return this.aborter.signal.aborted;
  }

  /** The last part of its URL; empty before there is one. */
  get token(): string {
    return this.url === null ? "" : (new URL(this.url).pathname.split("/").at(-1) ?? "");
  }

  end(): void {
    this.aborter.abort();
    clearTimeout(this.timer);
    if (this.url !== null) endSession(this.url, this.hostKey);
    this.peer.close();
  }
}
