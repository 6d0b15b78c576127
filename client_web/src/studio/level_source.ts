import { LevelTracker, type Meter, readSamples } from "./level";

const BLOCK = 2048; // samples: 43 ms at 48 kHz, more than a frame of the screen, so none is missed

/** Listens to the microphone's stream and calls back once per screen frame. */
export class LevelSource {
  private context: AudioContext | null = null;
  private source: MediaStreamAudioSourceNode | null = null;
  private readonly samples = new Float32Array(BLOCK);
  private frame = 0;

  constructor(private readonly onMeter: (meter: Meter) => void) {
    // After a reload nobody has touched the page yet, and a context may only start when somebody has.
    const wake = (): void => void this.context?.resume();
    addEventListener("pointerdown", wake);
    addEventListener("keydown", wake);
  }

  watch(stream: MediaStream): void {
    this.context ??= new AudioContext();
    void this.context.resume();
    this.source?.disconnect();
    cancelAnimationFrame(this.frame);
    const analyser = this.context.createAnalyser();
    analyser.fftSize = BLOCK;
    this.source = this.context.createMediaStreamSource(stream);
    this.source.connect(analyser);
    this.follow(analyser, new LevelTracker());
  }

  private follow(analyser: AnalyserNode, tracker: LevelTracker): void {
    if (this.context?.state === "running") {
      analyser.getFloatTimeDomainData(this.samples);
      this.onMeter(tracker.note(readSamples(this.samples), performance.now()));
    }
    this.frame = requestAnimationFrame(() => this.follow(analyser, tracker));
  }
}
