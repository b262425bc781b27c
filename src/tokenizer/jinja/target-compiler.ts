// Targets of an assignment -> closures that assign a value to them.
import { iterate, Namespace, type Value } from './python-value.js';
import type { Target } from './template-ast.js';
import { TemplateError } from './template-error.js';
import type { Scope } from './template-scope.js';

export type Assign = (scope: Scope, value: Value) => void;

export function compileTarget(target: Target): Assign {
  switch (target.type) {
    case 'name': {
      const { name } = target;
      return (scope, value) => scope.set(name, value);
    }
    case 'tuple': {
      const assigns = target.items.map(compileTarget);
      return (scope, value) => {
        const items = iterate(value);
        if (items.length !== assigns.length) {
          throw unpackError(items.length, assigns.length);
        }
        assigns.forEach((assign, i) => {
          assign(scope, items[i] ?? null);
        });
      };
    }
    case 'namespace': {
      const { name, attribute } = target;
      return (scope, value) => {
        const namespace = scope.get(name);
        if (!(namespace instanceof Namespace)) {
          throw new TemplateError('cannot assign attribute on non-namespace object');
        }
        namespace.attributes.set(attribute, value);
      };
    }
  }
}

function unpackError(got: number, expected: number): TemplateError {
  return new TemplateError(
    got > expected
      ? `too many values to unpack (expected ${expected})`
      : `not enough values to unpack (expected ${expected}, got ${got})`,
  );
}
