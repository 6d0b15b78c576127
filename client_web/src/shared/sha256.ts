/**
 * SHA-256 (FIPS 180-4) of a short text. `crypto.subtle` would do it, but not on plain http, and only later.
 */
const ROUNDS = 64;
const PRIMES = firstPrimes(ROUNDS);
const K = PRIMES.map((prime) => fraction32(Math.cbrt(prime)));
const START = PRIMES.slice(0, 8).map((prime) => fraction32(Math.sqrt(prime)));

/** The 32 bytes for `text` as UTF-8. */
export function sha256(text: string): Uint8Array {
  const message = new TextEncoder().encode(text);
  const padded = new Uint8Array(Math.ceil((message.length + 9) / 64) * 64);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(message.length / 2 ** 29));
  view.setUint32(padded.length - 4, message.length << 3);
  const state = Uint32Array.from(START);
  for (let offset = 0; offset < padded.length; offset += 64) addBlock(state, view, offset);
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, place) => void digest.setUint32(place * 4, word));
  return new Uint8Array(digest.buffer);
}

/** Bytes `at` to `at + 8` of a digest as a number in [0, 1): a draw that everybody can repeat. */
export function unitOf(digest: Uint8Array, at: number): number {
  const view = new DataView(digest.buffer, digest.byteOffset + at, 8);
  return view.getUint32(0) / 2 ** 32 + view.getUint32(4) / 2 ** 64;
}

function addBlock(state: Uint32Array, view: DataView, offset: number): void {
  const w = new Uint32Array(ROUNDS);
  const word = (place: number): number => w[place] ?? 0;
  for (let t = 0; t < 16; t++) w[t] = view.getUint32(offset + t * 4);
  for (let t = 16; t < ROUNDS; t++) {
    const near = word(t - 2);
    const far = word(t - 15);
    const s0 = turn(far, 7) ^ turn(far, 18) ^ (far >>> 3);
    const s1 = turn(near, 17) ^ turn(near, 19) ^ (near >>> 10);
    w[t] = word(t - 16) + s0 + word(t - 7) + s1;
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let t = 0; t < ROUNDS; t++) {
    const s1 = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25);
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + (K[t] ?? 0) + word(t)) | 0;
    const s0 = turn(a, 2) ^ turn(a, 13) ^ turn(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((part, place) => {
    state[place] = (state[place] ?? 0) + part;
  });
}

function turn(value: number, by: number): number {
  return (value >>> by) | (value << (32 - by));
}

/** The first 32 bits after the point. */
function fraction32(value: number): number {
  return Math.floor((value - Math.floor(value)) * 2 ** 32);
}

function firstPrimes(count: number): number[] {
  const primes: number[] = [];
  for (let candidate = 2; primes.length < count; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  return primes;
}
