// Opens a listener page in Firefox over WebDriver BiDi, presses Listen, and says what it heard.
// usage: node firefox_listener.mjs LISTEN_URL SECONDS
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer from "puppeteer-core";

const [url, seconds] = process.argv.slice(2);
const profile = await mkdtemp(join(tmpdir(), "stentor-firefox-"));
const browser = await puppeteer.launch({
  browser: "firefox",
  executablePath: "/usr/bin/firefox-esr",
  headless: true,
  userDataDir: profile,
  extraPrefsFirefox: {
    "media.autoplay.default": 0,
    "intl.accept_languages": "en-GB",
    "network.captive-portal-service.enabled": false,
    "network.connectivity-service.enabled": false,
  },
});
try {
  const page = await browser.newPage();
  await page.goto(url);
  await page.waitForFunction(() => globalThis.stentorProbe?.state === "ready", { timeout: 15000 });
  const button = await page.waitForSelector("::-p-aria([name=\"Listen\"][role=\"button\"])", { timeout: 5000 });
  await button.click();
  await page.waitForFunction(() => stentorProbe.state === "live", { timeout: 10000 });
  const before = await page.evaluate(() => stentorProbe.stats());
  const recording = await page.evaluate(record, Number(seconds));
  const after = await page.evaluate(() => stentorProbe.stats());
  const [connectedMs, state] = await page.evaluate(() => [stentorProbe.connectedMs, stentorProbe.state]);
  const version = await browser.version();
  console.log(JSON.stringify({ connectedMs, state, before, after, recording, version }));
} finally {
  await browser.close();
  await rm(profile, { recursive: true, force: true });
}

/** What came out of the decoder as base64. No AudioContext: without a sound card Firefox never starts one. */
async function record(duration) {
  const recorder = new MediaRecorder(stentorProbe.stream(), { audioBitsPerSecond: 128000 });
  const parts = [];
  recorder.ondataavailable = (event) => parts.push(event.data);
  const stopped = new Promise((resolve) => {
    recorder.onstop = resolve;
  });
  recorder.start();
  await new Promise((resolve) => setTimeout(resolve, duration * 1000));
  recorder.stop();
  await stopped;
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.split(",")[1]);
    reader.readAsDataURL(new Blob(parts));
  });
}
