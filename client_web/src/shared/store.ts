/** Holds one model; every change is a message through a pure reducer. */
export class Store<Model, Message> {
  private readonly observers = new Set<(after: Model, before: Model) => void>();
  private readonly queue: Message[] = [];
  private draining = false;

  constructor(
    private current: Model,
    private readonly reduce: (model: Model, message: Message) => Model,
  ) {}

  get model(): Model {
    return this.current;
  }

  /** Applies `message`. A message sent by an observer waits its turn, so that all observers see one order. */
  readonly dispatch = (message: Message): void => {
    this.queue.push(message);
    if (this.draining) return;
    this.draining = true;
    try {
      for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) {
        const before = this.current;
        this.current = this.reduce(before, next);
        if (this.current === before) continue;
        for (const observer of this.observers) observer(this.current, before);
      }
    } finally {
      this.draining = false;
    }
  };

  /** Calls `observer` after every change until the returned function is called. */
  subscribe(observer: (after: Model, before: Model) => void): () => void {
    this.observers.add(observer);
    return () => this.observers.delete(observer);
  }
}
