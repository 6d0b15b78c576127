import type { ComponentChildren } from "preact";
import { rowPath, THEATRE } from "./theatre_shape";

/** How the seats look: dark, waiting, being reached row by row, or listening. */
export type Mood = "dark" | "hushed" | "reaching" | "listening" | "searching";

const ROWS = Array.from({ length: THEATRE.rows }, (_, row) => rowPath(row, THEATRE));

/**
 * The theatre around the one thing to press, which stands where the voice stands.
 *
 * `lit` (0 to the number of rows) shows how far a voice carries instead of a mood's own motion.
 */
export function Theatre(props: { mood: Mood; lit?: number; children: ComponentChildren }) {
  return (
    <div class="theatre" data-mood={props.mood} data-level={props.lit === undefined ? "no" : "yes"}>
      <svg class="seats" viewBox="-232 -232 464 314" aria-hidden="true">
        {ROWS.map((path, row) => (
          <path key={path} d={path} data-lit={props.lit !== undefined && row < props.lit ? "yes" : "no"} />
        ))}
      </svg>
      {props.children}
    </div>
  );
}
