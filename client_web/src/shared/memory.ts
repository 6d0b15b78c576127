/** Web storage that forgets instead of throwing where the browser forbids it (private windows, blocked cookies). */
export interface Memory {
  get(key: string): string | null;
  set(key: string, value: string | null): void;
}

/** Wraps `localStorage` or `sessionStorage`; the getter is called late because touching it may already throw. */
export function memoryOf(storage: () => Storage): Memory {
  return {
    get(key) {
      try {
        return storage().getItem(`stentor.${key}`);
      } catch {
        return null;
      }
    },
    set(key, value) {
      try {
        if (value === null) storage().removeItem(`stentor.${key}`);
        else storage().setItem(`stentor.${key}`, value);
      } catch {
        // Nothing to be done: the page works, it only will not remember.
      }
    },
  };
}
