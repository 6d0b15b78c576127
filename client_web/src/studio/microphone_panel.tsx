import { fill } from "../shared/i18n/plural";
import { useSpeech } from "../shared/i18n/tongue_context";
import type { StudioController } from "./controller";
import { STUDIO_WORDS } from "./dictionary";
import type { Processing, StudioModel } from "./state";

interface PanelProps {
  readonly model: StudioModel;
  readonly controller: StudioController;
}

/** Which microphone, and what the browser does to it. */
export function MicrophonePanel({ model, controller }: PanelProps) {
  const { words } = useSpeech(STUDIO_WORDS);
  return (
    <section class="panel" aria-labelledby="microphone">
      <h2 id="microphone">{words.microphone}</h2>
      {model.devices.length > 0 && <DeviceChoice model={model} controller={controller} />}
      <ProcessingChoice model={model} controller={controller} />
    </section>
  );
}

function DeviceChoice({ model, controller }: PanelProps) {
  const { words, number } = useSpeech(STUDIO_WORDS);
  return (
    <select
      aria-labelledby="microphone"
      value={model.deviceId}
      onChange={(event) => void controller.desk.chooseDevice(event.currentTarget.value)}
    >
      {!model.devices.some(({ deviceId }) => deviceId === model.deviceId) && (
        <option value={model.deviceId}>{words.standardDevice}</option>
      )}
      {model.devices.map(({ deviceId, label }, index) => (
        <option key={deviceId} value={deviceId}>
          {label || fill(words.unnamedDevice, { n: number(index + 1) })}
        </option>
      ))}
    </select>
  );
}

function ProcessingChoice({ model, controller }: PanelProps) {
  const { words } = useSpeech(STUDIO_WORDS);
  const choices: readonly [keyof Processing, string][] = [
    ["echoCancellation", words.echoCancellation],
    ["noiseSuppression", words.noiseSuppression],
    ["autoGain", words.autoGain],
  ];
  return (
    <div class="toggles">
      {choices.map(([key, label]) => (
        <label class="toggle" key={key}>
          <input
            type="checkbox"
            checked={model.processing[key]}
            onChange={(event) => {
              const processing = { ...model.processing, [key]: event.currentTarget.checked };
              void controller.desk.setProcessing(processing);
            }}
          />
          <span>{label}</span>
        </label>
      ))}
    </div>
  );
}
