/** Keeps the host's screen on while on air: a phone that locks itself stops its microphone. */
import type { StudioController } from "./controller";

export function keepAwakeOnAir(controller: StudioController): void {
  if (!("wakeLock" in navigator)) return;
  let lock: WakeLockSentinel | null = null;
  const adjust = async (): Promise<void> => {
    const onAir = controller.store.model.aired;
    if (!onAir || document.visibilityState !== "visible") {
      await lock?.release();
      lock = null;
    } else if (lock === null || lock.released) {
      lock = await navigator.wakeLock.request("screen").catch(() => null); // refused on low battery
    }
  };
  controller.store.subscribe((after, before) => {
    if (after.aired !== before.aired) void adjust();
  });
  // The browser takes the lock away with the page's visibility and does not give it back.
  document.addEventListener("visibilitychange", () => void adjust());
}
