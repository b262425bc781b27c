// DemoControls: what a visitor of the demo's page may change; no other router has any.

export interface DemoControls {
  /** For the page. */
  state(): object;
  /** Takes the parsed body of `POST /demo`. Throws RouterError naming what is wrong with it. */
  change(wish: unknown): void;
}
