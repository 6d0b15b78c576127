import { expect, test } from "vitest";
import { PathWatch } from "../../src/studio/path_watch";

function quietSince(watch: PathWatch, until: number): string {
  let state = "";
  for (let at = 0; at <= until; at += 100) state = watch.note(500, at).state;
  return state;
}

test("one report late or lost is nothing, two are a loss, known within 3 s", () => {
  expect(quietSince(new PathWatch(), 1500)).toBe("fine");
  expect(quietSince(new PathWatch(), 2500)).toBe("doubtful");
  expect(quietSince(new PathWatch(), 2600)).toBe("lost");
});

test("doubt is news once", () => {
  const watch = new PathWatch();
  watch.note(500, 0);
  expect(watch.note(500, 1600)).toEqual({ state: "doubtful", turned: true });
  expect(watch.note(500, 1850)).toEqual({ state: "doubtful", turned: false });
  expect(watch.note(600, 2000)).toEqual({ state: "fine", turned: true });
});

test("a path the server vouches for gets more time, but not for ever", () => {
  const watch = new PathWatch();
  watch.note(500, 0);
  watch.note(500, 1600);
  watch.vouch();
  expect(watch.note(500, 5900).state).toBe("doubtful");
  expect(watch.note(500, 6000).state).toBe("lost");
});

test("a word for an earlier doubt does not count for the next", () => {
  const watch = new PathWatch();
  watch.note(500, 0);
  watch.note(500, 1600);
  watch.note(600, 1700);
  watch.vouch();
  expect(watch.note(600, 4300).state).toBe("lost");
});
