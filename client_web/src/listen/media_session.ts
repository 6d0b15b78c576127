/** Lock screen and headset buttons. */
import type { ListenController } from "./controller";
import type { ListenModel } from "./state";

/** Keeps the system's media controls true to the model. */
export function bindMediaSession(controller: ListenController, artist: () => string, artwork: string): void {
  if (!("mediaSession" in navigator)) return;
  const session = navigator.mediaSession;
  const act = (action: MediaSessionAction, handler: () => void): void => {
    try {
      session.setActionHandler(action, handler);
    } catch {
      // This browser does not know the action.
    }
  };
  // Live sound cannot be paused: pausing silences it, and playing again is where the event is by then.
  act("pause", () => controller.setMuted(true));
  act("play", () => {
    controller.listen();
    controller.setMuted(false);
  });
  act("stop", () => controller.stop());
  const show = (model: ListenModel): void => {
    session.playbackState = model.phase === "live" ? (model.muted ? "paused" : "playing") : "none";
    const title = model.facts?.title ?? "";
    if (session.metadata?.title === title && session.metadata.artist === artist()) return;
    session.metadata = new MediaMetadata({
      title,
      artist: artist(),
      artwork: [{ src: artwork, sizes: "512x512", type: "image/png" }],
    });
  };
  controller.store.subscribe(show);
  show(controller.store.model);
}
