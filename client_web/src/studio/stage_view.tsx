import { useEffect, useRef, useState } from "preact/hooks";
import { useSpeech } from "../shared/i18n/tongue_context";
import { Icon } from "../shared/icons";
import { type Mood, Theatre } from "../shared/theatre";
import { THEATRE } from "../shared/theatre_shape";
import type { StudioController } from "./controller";
import { STUDIO_WORDS } from "./dictionary";
import { FLOOR_DB, type Meter, meterFraction, type Verdict } from "./level";
import { holdsSession, type StudioModel } from "./state";

interface StageProps {
  readonly model: StudioModel;
  readonly controller: StudioController;
}

/** The host's place: the one large button, and how far the voice carries. */
export function Stage({ model, controller }: StageProps) {
  const { words } = useSpeech(STUDIO_WORDS);
  const [lit, setLit] = useState(0);
  const [verdict, setVerdict] = useState<Verdict>("listening");
  const level = useRef<HTMLDivElement>(null);
  const held = useRef<HTMLDivElement>(null);
  useEffect(() => {
    controller.desk.onMeter = (meter: Meter) => {
      // Sixty times a second: straight to the element, past the renderer.
      level.current?.style.setProperty("--level", String(meterFraction(meter.levelDb)));
      held.current?.style.setProperty("--level", String(meterFraction(meter.heldDb)));
      setLit(Math.round(meterFraction(meter.levelDb) * THEATRE.rows));
      setVerdict(meter.verdict);
    };
    return () => {
      controller.desk.onMeter = () => undefined;
    };
  }, [controller]);
  const ready = model.microphone === "ready";
  const said = model.muted ? words.mutedVerdict : words.verdicts[verdict];
  return (
    <>
      <Theatre mood={moodOf(model)} {...(ready && !model.muted ? { lit } : {})}>
        <StageButton model={model} controller={controller} />
      </Theatre>
      {ready && (
        <div class="meter-block" data-verdict={model.muted ? "muted" : verdict}>
          <meter
            class="unseen"
            aria-label={words.level}
            min={FLOOR_DB}
            max={0}
            value={VERDICT_LEVEL[verdict]}
          >
            {said}
          </meter>
          <div class="meter" aria-hidden="true">
            <div class="meter-level" ref={level} />
            <div class="meter-held" ref={held} />
          </div>
          <p class="meter-said" aria-live={holdsSession(model.phase) ? "off" : "polite"}>
            {said}
          </p>
        </div>
      )}
    </>
  );
}

/** For readers that speak numbers: the middle of what the verdict covers, in dBFS. */
const VERDICT_LEVEL: Readonly<Record<Verdict, number>> = {
  listening: FLOOR_DB,
  silent: FLOOR_DB,
  quiet: -45,
  good: -15,
  clipping: 0,
};

function moodOf(model: StudioModel): Mood {
  if (model.phase === "recovering") return "searching";
  if (model.phase === "connecting") return "reaching";
  return "dark";
}

function StageButton({ model, controller }: StageProps) {
  const { words } = useSpeech(STUDIO_WORDS);
  if (holdsSession(model.phase) && model.phase !== "connecting") {
    return (
      <button
        type="button"
        class="disc"
        data-action="mute"
        data-wanted={model.muted ? "no" : "yes"}
        // A second click of a double click on Go live must not mute.
        onClick={(event) => event.detail <= 1 && controller.setMuted(!model.muted)}
      >
        <Icon name={model.muted ? "microphoneOff" : "microphone"} />
        <span>{model.muted ? words.unmute : words.mute}</span>
      </button>
    );
  }
  const can = model.phase === "setup" && model.microphone === "ready";
  return (
    <button
      type="button"
      class="disc"
      data-action="go-live"
      data-wanted={model.wanted ? "yes" : "no"}
      disabled={!can}
      onClick={() => controller.goLive()}
    >
      <Icon name="microphone" />
      <span>{words.goLive}</span>
    </button>
  );
}
