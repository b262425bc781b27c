// Variables of a template while it renders: a chain of scopes, inner ones first.
import type { Value } from './python-value.js';

export class Scope {
  private readonly parent: Scope | null;
  private readonly names: Map<string, Value>;

  constructor(parent: Scope | null, names: Map<string, Value> = new Map()) {
    this.parent = parent;
    this.names = names;
  }

  set(name: string, value: Value): void {
    this.names.set(name, value);
  }

  get(name: string): Value | undefined {
    for (let scope: Scope | null = this; scope !== null; scope = scope.parent) {
      const value = scope.names.get(name);
      if (value !== undefined) return value;
    }
    return undefined;
  }
}
