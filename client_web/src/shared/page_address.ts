/** Event id of a page address such as `/e/{id}` or `/studio/{id}`, or null. */
export function eventIdOf(pathname: string): string | null {
  return /^\/(?:e|studio)\/([a-z0-9]{4,32})\/?$/.exec(pathname)?.[1] ?? null;
}

/** The host key of `#key=...`, or null. It stays in the fragment: fragments are never sent to any server. */
export function hostKeyOf(hash: string): string | null {
  return new URLSearchParams(hash.replace(/^#/, "")).get("key") || null;
}
