import type { Store } from "../shared/store";
import type { Meter } from "./level";
import { LevelSource } from "./level_source";
import { listMicrophones, mayOpenUnasked, openMicrophone } from "./microphone";
import type { Processing, StudioMessage, StudioModel } from "./state";

/** Holds the microphone: opens it, changes it, mutes it, and notices when it is pulled out. */
export class MicrophoneDesk {
  stream: MediaStream | null = null;
  /** Called with a microphone that replaces the one before. */
  onTrack: (track: MediaStreamTrack) => void = () => undefined;
  /** Called once per screen frame while there is sound to measure. */
  onMeter: (meter: Meter) => void = () => undefined;
  private readonly levels = new LevelSource((meter) => this.onMeter(meter));
  private opening = 0;

  constructor(private readonly store: Store<StudioModel, StudioMessage>) {}

  /** Opens at once if that will not ask anybody, or if the host was on air a moment ago. */
  async start(wasOnAir: boolean): Promise<void> {
    if (!("mediaDevices" in navigator)) {
      this.store.dispatch({ type: "microphone", state: "insecure" });
      return;
    }
    navigator.mediaDevices.addEventListener("devicechange", () => void this.refreshDevices());
    if (wasOnAir || (await mayOpenUnasked())) await this.open();
  }

  /** Opens the chosen microphone with the chosen processing, in place of the one before. */
  async open(): Promise<void> {
    const ticket = ++this.opening;
    const { deviceId, processing, microphone, muted } = this.store.model;
    if (microphone !== "ready") this.store.dispatch({ type: "microphone", state: "asking" });
    this.release(); // first: some devices open only once, and Firefox would keep the old processing
    const opened = await openMicrophone(deviceId, processing);
    if (typeof opened === "string") {
      if (ticket === this.opening) this.store.dispatch({ type: "microphone", state: opened });
      return;
    }
    const track = opened.getAudioTracks()[0];
    if (ticket !== this.opening || track === undefined) {
      for (const unused of opened.getTracks()) unused.stop();
      return;
    }
    track.enabled = !muted;
    track.addEventListener("ended", () => void this.noteUnplugged(opened));
    this.stream = opened;
    this.levels.watch(opened);
    this.onTrack(track);
    this.store.dispatch({ type: "choose-device", deviceId: track.getSettings().deviceId ?? deviceId });
    await this.refreshDevices();
    this.store.dispatch({ type: "microphone", state: "ready" });
  }

  async chooseDevice(deviceId: string): Promise<void> {
    this.store.dispatch({ type: "choose-device", deviceId });
    await this.open();
  }

  async setProcessing(processing: Processing): Promise<void> {
    this.store.dispatch({ type: "processing", processing });
    if (this.stream !== null) await this.open();
  }

  setMuted(muted: boolean): void {
    for (const track of this.stream?.getAudioTracks() ?? []) track.enabled = !muted;
  }

  close(): void {
    this.opening++;
    this.release();
  }

  private release(): void {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
  }

  private async refreshDevices(): Promise<void> {
    this.store.dispatch({ type: "devices", devices: await listMicrophones() });
  }

  /** A track ends by itself only when its device goes: take the system's next choice rather than silence. */
  private async noteUnplugged(stream: MediaStream): Promise<void> {
    if (stream !== this.stream) return;
    this.stream = null;
    this.store.dispatch({ type: "microphone", state: "unplugged" });
    this.store.dispatch({ type: "choose-device", deviceId: "" });
    await this.open();
  }
}

/** What the page needs of anything that holds a microphone. */
export type Desk = Pick<MicrophoneDesk, keyof MicrophoneDesk>;
