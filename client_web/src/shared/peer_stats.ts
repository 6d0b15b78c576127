/** The few WebRTC statistics the pages watch (https://www.w3.org/TR/webrtc-stats/), with checked types. */
export interface InboundStats {
  readonly packetsReceived: number;
  readonly packetsLost: number;
  readonly concealedSamples: number;
  readonly totalSamplesReceived: number;
  /** Seconds. */
  readonly jitter: number;
  /** Sum over emitted samples, in seconds. */
  readonly jitterBufferDelay: number;
  readonly jitterBufferEmittedCount: number;
  readonly totalAudioEnergy: number;
}

export interface OutboundStats {
  readonly packetsSent: number;
  readonly bytesSent: number;
}

export interface TransportStats {
  readonly dtlsState: string | null;
  readonly srtpCipher: string | null;
  readonly dtlsCipher: string | null;
  /** Bytes that arrived over the pair in use: STUN answers and RTCP too. */
  readonly pairBytesReceived: number;
  /** Seconds, or null before the first measurement. */
  readonly roundTripTime: number | null;
  readonly codec: string | null;
}

type Entry = Readonly<Record<string, unknown>>;

export function inboundStats(report: RTCStatsReport): InboundStats {
  const entry = find(report, "inbound-rtp");
  return {
    packetsReceived: number(entry, "packetsReceived"),
    packetsLost: number(entry, "packetsLost"),
    concealedSamples: number(entry, "concealedSamples"),
    totalSamplesReceived: number(entry, "totalSamplesReceived"),
    jitter: number(entry, "jitter"),
    jitterBufferDelay: number(entry, "jitterBufferDelay"),
    jitterBufferEmittedCount: number(entry, "jitterBufferEmittedCount"),
    totalAudioEnergy: number(entry, "totalAudioEnergy"),
  };
}

export function outboundStats(report: RTCStatsReport): OutboundStats {
  const entry = find(report, "outbound-rtp");
  return { packetsSent: number(entry, "packetsSent"), bytesSent: number(entry, "bytesSent") };
}

export function transportStats(report: RTCStatsReport): TransportStats {
  const transport = find(report, "transport");
  const pair = pairInUse(report, transport);
  const roundTrip = pair?.currentRoundTripTime;
  return {
    dtlsState: text(transport, "dtlsState"),
    srtpCipher: text(transport, "srtpCipher"),
    dtlsCipher: text(transport, "dtlsCipher"),
    pairBytesReceived: number(pair, "bytesReceived"),
    roundTripTime: typeof roundTrip === "number" ? roundTrip : null,
    codec: text(codecInUse(report), "mimeType"),
  };
}

/** The transport names its pair; where it does not (Firefox), the nominated one that succeeded. */
function pairInUse(report: RTCStatsReport, transport: Entry | undefined): Entry | undefined {
  const id = text(transport, "selectedCandidatePairId");
  if (id !== null) return entries(report).find((entry) => entry.id === id);
  return entries(report).find(
    (entry) => entry.type === "candidate-pair" && entry.state === "succeeded" && entry.nominated === true,
  );
}

/** The one the stream names: `audio/red` around Opus is another than `audio/opus`. */
function codecInUse(report: RTCStatsReport): Entry | undefined {
  const stream = find(report, "inbound-rtp") ?? find(report, "outbound-rtp");
  const id = text(stream, "codecId");
  return entries(report).find((entry) => entry.type === "codec" && entry.id === id);
}

function find(report: RTCStatsReport, type: string): Entry | undefined {
  return entries(report).find((entry) => entry.type === type);
}

function entries(report: RTCStatsReport): Entry[] {
  const list: Entry[] = [];
  report.forEach((entry: Entry) => {
    list.push(entry);
  });
  return list;
}

function number(entry: Entry | undefined, key: string): number {
  const value = entry?.[key];
  return typeof value === "number" ? value : 0;
}

function text(entry: Entry | undefined, key: string): string | null {
  const value = entry?.[key];
  return typeof value === "string" ? value : null;
}
