/** Seats of a theatre seen from above: rows around one voice, cut into wedges by aisles. Plain geometry. */

export interface TheatreShape {
  readonly rows: number;
  /** Radius of the first row and distance between rows, in drawing units. */
  readonly firstRadius: number;
  readonly rowGap: number;
  /** Distance between neighbouring seats. */
  readonly seatGap: number;
  /** Angle the rows span, in degrees, around straight up. */
  readonly span: number;
  readonly wedges: number;
  /** Width of an aisle. */
  readonly aisle: number;
}

export const THEATRE: TheatreShape = {
  rows: 7,
  firstRadius: 112,
  rowGap: 17,
  seatGap: 13,
  span: 214,
  wedges: 5,
  aisle: 20,
};

/** Path of one row around (0, 0): a zero-length stroke per seat, drawn round by its line cap. */
export function rowPath(row: number, shape: TheatreShape): string {
  const radius = shape.firstRadius + row * shape.rowGap;
  const wedgeAngle = shape.span / shape.wedges;
  const usable = toRadians(wedgeAngle) * radius - shape.aisle;
  const seats = Math.max(1, Math.floor(usable / shape.seatGap) + 1);
  const step = seats > 1 ? usable / (seats - 1) : 0;
  const strokes: string[] = [];
  for (let wedge = 0; wedge < shape.wedges; wedge++) {
    const start = toRadians(-90 - shape.span / 2 + wedge * wedgeAngle) + shape.aisle / 2 / radius;
    for (let seat = 0; seat < seats; seat++) {
      const angle = start + (seat * step) / radius;
      strokes.push(`M${round(radius * Math.cos(angle))} ${round(radius * Math.sin(angle))}h0`);
    }
  }
  return strokes.join("");
}

function toRadians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
