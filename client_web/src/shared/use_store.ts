import { useEffect, useState } from "preact/hooks";
import type { Store } from "./store";

/** The store's model, rendering again whenever it changes. */
export function useStore<Model, Message>(store: Store<Model, Message>): Model {
  const [model, setModel] = useState(store.model);
  useEffect(() => {
    setModel(store.model);
    return store.subscribe(setModel);
  }, [store]);
  return model;
}
