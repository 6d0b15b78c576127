/**
 * The page's one audio element.
 *
 * iOS lets an element play only if `play()` was first called on it inside a tap, and keeps that leave for the
 * element's life: so it is made in the tap and kept through every reconnect. No AudioContext: iOS would route
 * it differently and stop it in the background.
 */
export class AudioOutput {
  private element: HTMLAudioElement | null = null;

  constructor(
    private readonly onBlocked: (blocked: boolean) => void,
    private readonly onPaused: () => void,
  ) {}

  /** The element, made on first use. */
  prime(): HTMLAudioElement {
    if (this.element === null) {
      const element = document.createElement("audio");
      element.setAttribute("playsinline", "");
      element.autoplay = true;
      element.srcObject = new MediaStream();
      element.addEventListener("playing", () => this.onBlocked(false));
      element.addEventListener("pause", () => this.notePause(element));
      document.body.append(element);
      this.element = element;
    }
    this.play();
    return this.element;
  }

  show(stream: MediaStream): void {
    this.prime().srcObject = stream;
    this.play();
  }

  get stream(): MediaStream | null {
    const source = this.element?.srcObject;
    return source instanceof MediaStream && source.getTracks().length > 0 ? source : null;
  }

  clear(): void {
    if (this.element !== null) this.element.srcObject = null;
  }

  setMuted(muted: boolean): void {
    if (this.element === null) return;
    this.element.muted = muted;
    if (!muted) this.play();
  }

  setVolume(volume: number): void {
    if (this.element !== null) this.element.volume = volume;
  }

  play(): void {
    this.element?.play().catch((error: unknown) => {
      // AbortError only says that a newer source came in between; it has its own play().
      if (error instanceof DOMException && error.name === "NotAllowedError") this.onBlocked(true);
    });
  }

  /** A pause that nobody here asked for: a live stream is never paused, only its source is taken away. */
  private notePause(element: HTMLAudioElement): void {
    const source = element.srcObject;
    if (source instanceof MediaStream && source.active && !element.ended) this.onPaused();
  }
}

/** Whether volume can be set at all. iOS takes the value and puts it back a moment later. */
export async function canSetVolume(): Promise<boolean> {
  const element = document.createElement("audio");
  element.volume = 0.5;
  await new Promise((resolve) => setTimeout(resolve, 50));
  return element.volume === 0.5;
}
