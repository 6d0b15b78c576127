/** Opening a microphone, and saying plainly why it could not be opened. */
import type { MicrophoneState, Processing } from "./state";

/** getUserMedia's constraints for one voice (https://www.w3.org/TR/mediacapture-streams/). */
export function constraintsFor(deviceId: string, processing: Processing): MediaStreamConstraints {
  const audio: MediaTrackConstraints = {
    echoCancellation: processing.echoCancellation,
    noiseSuppression: processing.noiseSuppression,
    autoGainControl: processing.autoGain,
    sampleRate: { ideal: 48_000 }, // what Opus runs at: no resampling on the way
  };
  if (deviceId !== "") audio.deviceId = { exact: deviceId };
  return { audio };
}

/** Switches of the page's address: `?ec=0&ns=0&agc=0` turn off what is on by default. */
export function processingOf(search: string): Processing {
  const query = new URLSearchParams(search);
  return {
    echoCancellation: query.get("ec") !== "0",
    noiseSuppression: query.get("ns") !== "0",
    autoGain: query.get("agc") !== "0",
  };
}

/** What an error of getUserMedia means for the person in front of the page. */
export function microphoneTrouble(error: unknown): MicrophoneState {
  const name = error instanceof Error ? error.name : "";
  switch (name) {
    case "NotFoundError":
    case "OverconstrainedError": // the chosen device is gone
      return "absent";
    case "NotReadableError":
    case "AbortError":
      return "busy";
    default: // NotAllowedError, SecurityError
      return "refused";
  }
}

/** Opens the microphone; the stream, or why there is none. */
export async function openMicrophone(
  deviceId: string,
  processing: Processing,
): Promise<MediaStream | MicrophoneState> {
  if (!("mediaDevices" in navigator)) return "insecure";
  try {
    return await navigator.mediaDevices.getUserMedia(constraintsFor(deviceId, processing));
  } catch (error) {
    const trouble = microphoneTrouble(error);
    if (trouble === "absent" && deviceId !== "") return openMicrophone("", processing);
    return trouble;
  }
}

export async function listMicrophones(): Promise<MediaDeviceInfo[]> {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter((device) => device.kind === "audioinput" && device.deviceId !== "");
}

/** Whether the person has said yes for good, so that opening will not ask. */
export async function mayOpenUnasked(): Promise<boolean> {
  try {
    const status = await navigator.permissions.query({ name: "microphone" });
    return status.state === "granted";
  } catch {
    return false; // this browser does not tell
  }
}
