/** Ms since 1970 of a `datetime-local` value, which is in the reader's own zone; null if empty or nonsense. */
export function parseLocalTime(value: string): number | null {
  if (value === "") return null;
  const time = new Date(value).getTime();
  return Number.isNaN(time) ? null : time;
}
