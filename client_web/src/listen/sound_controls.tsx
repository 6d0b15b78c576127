import { useEffect, useState } from "preact/hooks";
import { useSpeech } from "../shared/i18n/tongue_context";
import { Icon } from "../shared/icons";
import { canSetVolume } from "./audio_output";
import type { ListenController } from "./controller";
import type { ListenModel } from "./state";
import { LISTEN_WORDS } from "./words";

/** Mute, and volume where the device lets a page set it (iOS does not: its buttons do that). */
export function SoundControls(props: { model: ListenModel; controller: ListenController }) {
  const { words } = useSpeech(LISTEN_WORDS);
  const { muted, volume } = props.model;
  const [settable, setSettable] = useState(false);
  useEffect(() => {
    void canSetVolume().then(setSettable);
  }, []);
  return (
    <div class="sound-controls">
      <button
        type="button"
        class="round"
        aria-pressed={muted}
        aria-label={words.mute}
        title={muted ? words.unmute : words.mute}
        onClick={() => props.controller.setMuted(!muted)}
      >
        <Icon name={muted ? "silent" : "sound"} />
      </button>
      {settable && (
        <input
          type="range"
          min="0"
          max="100"
          step="5"
          aria-label={words.volume}
          value={Math.round((muted ? 0 : volume) * 100)}
          onInput={(event) => props.controller.setVolume(event.currentTarget.valueAsNumber / 100)}
        />
      )}
    </div>
  );
}
