/** A read-only window into the page for tests and for support: nothing in the page reads it. */
import type { ListenController } from "./controller";
import type { PlayerStats } from "./player";
import type { ListenPhase } from "./state";

export interface ListenProbe {
  readonly state: ListenPhase;
  /** Ms from the tap (or the join that waited for the start) until ICE and DTLS stood. */
  readonly connectedMs: number | null;
  readonly firstPacketMs: number | null;
  /** Sessions started since the page opened. */
  readonly joins: number;
  stats(): Promise<PlayerStats | null>;
  stream(): MediaStream | null;
}

export function listenProbe(controller: ListenController): ListenProbe {
  return Object.freeze({
    get state() {
      return controller.store.model.phase;
    },
    get connectedMs() {
      return controller.player.times.connectedMs;
    },
    get firstPacketMs() {
      return controller.player.times.firstPacketMs;
    },
    get joins() {
      return controller.store.model.attempt;
    },
    stats: () => controller.player.stats(),
    stream: () => controller.player.stream(),
  });
}
