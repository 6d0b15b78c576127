import type { PluralText } from "../shared/i18n/plural";
import type { Verdict } from "./level";
import type { MicrophoneState } from "./state";

/** What to tell a host whose microphone cannot be used, and what to do about it. */
export interface Trouble {
  readonly headline: string;
  readonly steps: readonly string[];
}

/** Everything the host's page says. */
export interface StudioWords {
  readonly studio: string;
  readonly loading: string;
  readonly setupHeadline: string;
  readonly setupDetail: string;
  readonly soundCheck: string;
  readonly comingBack: string;
  readonly occupied: string;
  readonly connecting: string;
  readonly live: string;
  readonly liveMuted: string;
  readonly moving: string;
  readonly recovering: string;
  readonly recoveringDetail: string;
  readonly takenHeadline: string;
  readonly takenDetail: string;
  readonly takeBack: string;
  readonly forbiddenHeadline: string;
  readonly forbiddenDetail: string;
  readonly missingHeadline: string;
  readonly missingDetail: string;
  readonly endedHeadline: string;
  readonly endedDetail: string;
  readonly newEvent: string;
  readonly unreachable: string;
  readonly refusedByServer: string;
  readonly goLive: string;
  readonly mute: string;
  readonly unmute: string;
  readonly microphone: string;
  readonly turnOn: string;
  readonly asking: string;
  readonly tryAgain: string;
  readonly standardDevice: string;
  readonly unnamedDevice: string;
  readonly echoCancellation: string;
  readonly noiseSuppression: string;
  readonly autoGain: string;
  readonly level: string;
  readonly verdicts: Readonly<Record<Verdict, string>>;
  readonly mutedVerdict: string;
  readonly troubles: Readonly<Record<Exclude<MicrophoneState, "off" | "asking" | "ready">, Trouble>>;
  readonly audience: string;
  readonly listening: PluralText;
  /** How many listen, join and wait, and why, in one sentence. */
  readonly doors: {
    readonly listening: PluralText;
    readonly joining: PluralText;
    readonly waiting: PluralText;
    readonly everybody: string;
    readonly withoutWaiting: string;
    readonly withWaiting: string;
    readonly onlyWaiting: string;
    readonly becauseFull: string;
    readonly becauseRate: PluralText;
    readonly becauseSoon: string;
  };
  readonly listenerLink: string;
  readonly onAirFor: string;
  readonly startsOn: string;
  readonly endEvent: string;
  readonly endQuestion: string;
  readonly endConsequence: string;
  readonly endForAll: string;
  readonly ending: string;
  readonly keepGoing: string;
  readonly endFailed: string;
}
