import { expect, test } from "vitest";
import { Store } from "../../src/shared/store";

const counter = (): Store<number, number> => new Store(0, (total, step: number) => total + step);

test("observers see what was before and what is after", () => {
  const store = counter();
  const seen: [number, number][] = [];
  store.subscribe((after, before) => seen.push([before, after]));
  store.dispatch(2);
  store.dispatch(3);
  expect(seen).toEqual([
    [0, 2],
    [2, 5],
  ]);
});

test("a message sent by an observer waits until all have seen the first", () => {
  const store = counter();
  const seen: number[] = [];
  store.subscribe((after) => {
    if (after === 1) store.dispatch(10);
  });
  store.subscribe((after) => seen.push(after));
  store.dispatch(1);
  expect(seen).toEqual([1, 11]);
});

test("a message that changes nothing is not news", () => {
  const store = counter();
  let news = 0;
  const leave = store.subscribe(() => news++);
  store.dispatch(0);
  store.dispatch(1);
  leave();
  store.dispatch(1);
  expect(news).toBe(1);
});
