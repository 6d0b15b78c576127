// libwebrtc without a browser listens over plain WHEP: no ticket, no page of ours.
// usage: node wrtc_listener.mjs WHEP_URL SECONDS
import wrtc from "@roamhq/wrtc";

const [url, seconds] = process.argv.slice(2);
const peer = new wrtc.RTCPeerConnection();
peer.addTransceiver("audio", { direction: "recvonly" });
const track = new Promise((resolve) => {
  peer.ontrack = (event) => resolve(event.track);
});
await peer.setLocalDescription(await peer.createOffer());
const started = performance.now();
const response = await fetch(url, {
  method: "POST",
  headers: { "Content-Type": "application/sdp" },
  body: peer.localDescription.sdp,
});
if (response.status !== 201) throw new Error(`WHEP answered ${response.status}: ${await response.text()}`);
const session = new URL(response.headers.get("location"), url);
await peer.setRemoteDescription({ type: "answer", sdp: await response.text() });

const sink = new wrtc.nonstandard.RTCAudioSink(await track);
let frames = 0;
let power = 0;
let count = 0;
sink.ondata = ({ samples }) => {
  frames += 1;
  for (const sample of samples) power += (sample / 32768) ** 2;
  count += samples.length;
};
await connected(peer);
const connectedMs = performance.now() - started;
await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000));
const reports = [...(await peer.getStats()).values()];
const inbound = reports.find((report) => report.type === "inbound-rtp") ?? {};
const transport = reports.find((report) => report.type === "transport") ?? {};
sink.stop();
peer.close();
const ended = await fetch(session, { method: "DELETE" });
console.log(
  JSON.stringify({
    connectedMs,
    frames,
    rms: count === 0 ? 0 : Math.sqrt(power / count),
    packetsReceived: inbound.packetsReceived ?? 0,
    packetsLost: inbound.packetsLost ?? 0,
    srtpCipher: transport.srtpCipher ?? null,
    deleteStatus: ended.status,
  }),
);
process.exit(0);

function connected(connection) {
  return new Promise((resolve, reject) => {
    const look = () => {
      if (connection.connectionState === "connected") resolve();
      if (connection.connectionState === "failed") reject(new Error("connection failed"));
    };
    connection.onconnectionstatechange = look;
    setTimeout(() => reject(new Error(`still ${connection.connectionState} after 10 s`)), 10000).unref();
    look();
  });
}
