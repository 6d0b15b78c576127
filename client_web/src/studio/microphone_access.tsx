import { useSpeech } from "../shared/i18n/tongue_context";
import type { StudioController } from "./controller";
import { STUDIO_WORDS } from "./dictionary";
import type { StudioModel } from "./state";

/** The way to a microphone, and what to do when there is none. Nothing once there is one. */
export function MicrophoneAccess({
  model,
  controller,
}: {
  model: StudioModel;
  controller: StudioController;
}) {
  const { words } = useSpeech(STUDIO_WORDS);
  const { microphone } = model;
  if (microphone === "ready") return null;
  if (microphone === "asking") return <p role="status">{words.asking}</p>;
  const open = (): void => void controller.desk.open();
  if (microphone === "off") {
    return (
      <button type="button" class="strong" data-action="microphone" onClick={open}>
        {words.turnOn}
      </button>
    );
  }
  const { headline, steps } = words.troubles[microphone];
  return (
    <div class="panel trouble" role="alert">
      <p class="trouble-headline">{headline}</p>
      <ol>
        {steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      {microphone !== "insecure" && (
        <button type="button" class="strong" data-action="microphone" onClick={open}>
          {words.tryAgain}
        </button>
      )}
    </div>
  );
}
