/** A read-only window into the page for tests and for support: nothing in the page reads it. */
import type { StudioController } from "./controller";
import type { PublisherStats } from "./publisher";
import type { MicrophoneState, StudioPhase } from "./state";

export interface StudioProbe {
  readonly state: StudioPhase;
  readonly microphone: MicrophoneState;
  /** Ms from the start of the latest publish until ICE and DTLS stood. */
  readonly connectedMs: number | null;
  /** Sessions started since the page opened, but for those of moves. */
  readonly joins: number;
  /** The stage that has the microphone. */
  readonly shard: number | null;
  stats(): Promise<PublisherStats | null>;
  stream(): MediaStream | null;
}

export function studioProbe(controller: StudioController): StudioProbe {
  return Object.freeze({
    get state() {
      return controller.store.model.phase;
    },
    get microphone() {
      return controller.store.model.microphone;
    },
    get connectedMs() {
      return controller.publisher.connectedMs;
    },
    get joins() {
      return controller.store.model.attempt;
    },
    get shard() {
      return controller.publisher.seat?.shard ?? null;
    },
    stats: () => controller.publisher.stats(),
    stream: () => controller.desk.stream,
  });
}
