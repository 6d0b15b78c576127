import { expect, test } from "vitest";
import { rowPath, THEATRE } from "../../src/shared/theatre_shape";

const seats = (row: number): [number, number][] =>
  [...rowPath(row, THEATRE).matchAll(/M(-?[\d.]+) (-?[\d.]+)h0/g)].map(([, x, y]) => [Number(x), Number(y)]);

test("every seat of a row is as far from the voice as the row says", () => {
  for (const [x, y] of seats(3))
    expect(Math.hypot(x, y)).toBeCloseTo(THEATRE.firstRadius + 3 * THEATRE.rowGap, 0);
});

test("rows hold more seats the further out they are", () => {
  expect(seats(6).length).toBeGreaterThan(seats(0).length);
});

test("all seats lie within the drawing", () => {
  for (const [x, y] of seats(THEATRE.rows - 1)) {
    expect(Math.abs(x)).toBeLessThanOrEqual(229);
    expect(y).toBeLessThanOrEqual(79);
  }
});
