// Parts of the router whose settings may change while they hold them.

/** `parts` with what `settings` gives, looked up whenever it is read: they must not be copied. */
export function live<P extends object, S extends object>(parts: P, settings: () => S): P & S {
  const all = Object.assign(parts, settings());
  for (const key of Object.keys(settings())) {
    Object.defineProperty(all, key, { get: () => Reflect.get(settings(), key) });
  }
  return all;
}
