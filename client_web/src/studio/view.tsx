import { useEffect } from "preact/hooks";
import { CopyField } from "../shared/copy_field";
import { COMMON, LONG_TITLE } from "../shared/i18n/common";
import { fill } from "../shared/i18n/plural";
import { useSpeech } from "../shared/i18n/tongue_context";
import { useStore } from "../shared/use_store";
import type { StudioController } from "./controller";
import { STUDIO_WORDS } from "./dictionary";
import { sayDoors } from "./doors";
import { EndEvent } from "./end_event";
import { MicrophoneAccess } from "./microphone_access";
import { MicrophonePanel } from "./microphone_panel";
import { OnAirTime } from "./on_air_time";
import { Stage } from "./stage_view";
import { hasTrouble, isOver, type StudioModel } from "./state";
import { tell } from "./telling";

interface PageProps {
  readonly controller: StudioController;
  /** Where listeners go if the server did not say. */
  readonly listenUrl: string;
}

export function StudioPage({ controller, listenUrl }: PageProps) {
  const model = useStore(controller.store);
  const { words } = useSpeech(STUDIO_WORDS);
  const common = useSpeech(COMMON).words;
  const title = model.facts?.title || common.untitled;
  const { headline, detail } = tell(model, words);
  useEffect(() => {
    document.title = `${title} · ${words.studio}`;
  }, [title, words]);
  const closed = isOver(model.phase) || model.phase === "missing";
  // Before going live a microphone's trouble is all there is to see; on air the host keeps the stage.
  const barred = model.phase === "setup" && hasTrouble(model.microphone);
  return (
    <main class={closed ? "studio studio-closed" : "studio"} data-phase={model.phase}>
      <div class="studio-title">
        {(!closed || model.facts !== null) && (
          <h1 dir="auto" class={title.length > LONG_TITLE ? "long" : ""}>
            {title}
          </h1>
        )}
        <StartTime model={model} />
      </div>
      <section class="studio-stage" aria-label={words.studio}>
        <div class="telling" role="status">
          <Headline model={model} text={headline} heading={closed && model.facts === null} />
          {detail && <p class="detail">{detail}</p>}
        </div>
        {model.phase === "taken" && (
          <button type="button" class="strong" data-action="take-back" onClick={() => controller.goLive()}>
            {words.takeBack}
          </button>
        )}
        {closed && model.phase !== "forbidden" && (
          <a class="button strong" href="/">
            {words.newEvent}
          </a>
        )}
        {!closed && model.phase !== "loading" && <MicrophoneAccess model={model} controller={controller} />}
        {!closed && model.phase !== "taken" && !barred && <Stage model={model} controller={controller} />}
      </section>
      {!closed && (
        <div class="studio-side">
          <MicrophonePanel model={model} controller={controller} />
          <Audience model={model} listenUrl={listenUrl} />
          <EndEvent model={model} controller={controller} />
        </div>
      )}
    </main>
  );
}

/** A page without an event has nothing else for a heading. */
function Headline({ model, text, heading }: { model: StudioModel; text: string; heading: boolean }) {
  if (heading) return <h1>{text}</h1>;
  return (
    <p class="headline">
      {model.phase === "live" && !model.muted && <span class="on-air" aria-hidden="true" />}
      {text}
    </p>
  );
}

function StartTime({ model }: { model: StudioModel }) {
  const { words, date } = useSpeech(STUDIO_WORDS);
  const startsAt = model.facts?.startsAt ?? null;
  if (startsAt === null || model.phase !== "setup") return null;
  return <p class="hint">{fill(words.startsOn, { date: date(startsAt) })}</p>;
}

function Audience({ model, listenUrl }: { model: StudioModel; listenUrl: string }) {
  const { words, locale, number, count } = useSpeech(STUDIO_WORDS);
  const common = useSpeech(COMMON).words;
  const listeners = model.facts?.listeners ?? 0;
  return (
    <section class="panel" aria-labelledby="audience">
      <h2 id="audience">{words.audience}</h2>
      <div class="figures">
        <p class="figure">
          <span class="figure-value" data-figure="listeners">
            {number(listeners)}
          </span>{" "}
          <span class="figure-unit">{count(words.listening, listeners)}</span>
        </p>
        {model.liveSince !== null && <OnAirTime since={model.liveSince} />}
      </div>
      <p class="hint" data-figure="doors">
        {sayDoors(model.facts, words.doors, locale)}
      </p>
      <CopyField
        id="listener-link"
        label={words.listenerLink}
        value={model.facts?.listenUrl ?? listenUrl}
        words={common}
      />
    </section>
  );
}
