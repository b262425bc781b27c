// Syntax tree of a Jinja template, as far as chat templates go.
import type { Json } from '../../json.js';

export type Expression =
  | { readonly type: 'const'; readonly value: Json }
  | { readonly type: 'name'; readonly name: string }
  | { readonly type: 'list' | 'tuple'; readonly items: readonly Expression[] }
  | { readonly type: 'dict'; readonly pairs: readonly (readonly [Expression, Expression])[] }
  | { readonly type: 'attribute'; readonly object: Expression; readonly name: string }
  | { readonly type: 'item'; readonly object: Expression; readonly key: Expression }
  | Slice
  | { readonly type: 'call'; readonly callee: Expression; readonly args: Arguments }
  | Filter
  | Test
  | { readonly type: 'not' | 'negative' | 'positive'; readonly operand: Expression }
  | { readonly type: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | Arithmetic
  | { readonly type: 'concat'; readonly parts: readonly Expression[] }
  | Compare
  | Conditional;

export interface Slice {
  readonly type: 'slice';
  readonly object: Expression;
  readonly start: Expression | null;
  readonly stop: Expression | null;
  readonly step: Expression | null;
}

export interface Arguments {
  readonly positional: readonly Expression[];
  readonly named: readonly (readonly [string, Expression])[];
  /** `*args` and `**kwargs` at a call. */
  readonly spread: Expression | null;
  readonly namedSpread: Expression | null;
}

export interface Filter {
  readonly type: 'filter';
  /** null: the body of a filter block. */
  readonly operand: Expression | null;
  readonly name: string;
  readonly args: Arguments;
}

export interface Test {
  readonly type: 'test';
  readonly operand: Expression;
  readonly name: string;
  readonly args: Arguments;
}

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '//' | '%' | '**';

export interface Arithmetic {
  readonly type: 'arithmetic';
  readonly operator: ArithmeticOperator;
  readonly left: Expression;
  readonly right: Expression;
}

export type CompareOperator = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not in';

export interface Compare {
  readonly type: 'compare';
  readonly first: Expression;
  readonly rest: readonly (readonly [CompareOperator, Expression])[];
}

export interface Conditional {
  readonly type: 'conditional';
  readonly test: Expression;
  readonly value: Expression;
  readonly otherwise: Expression | null;
}

/** Where a value goes: a name, several names, or an attribute of a namespace. */
export type Target =
  | { readonly type: 'name'; readonly name: string }
  | { readonly type: 'tuple'; readonly items: readonly Target[] }
  | { readonly type: 'namespace'; readonly name: string; readonly attribute: string };

export interface Parameter {
  readonly name: string;
  readonly initial: Expression | null;
}

export interface ForLoop {
  readonly type: 'for';
  readonly target: Target;
  readonly iterable: Expression;
  readonly test: Expression | null;
  readonly body: readonly Statement[];
  readonly otherwise: readonly Statement[];
  readonly isRecursive: boolean;
}

export interface Macro {
  readonly type: 'macro';
  readonly name: string;
  readonly parameters: readonly Parameter[];
  readonly body: readonly Statement[];
}

export interface CallBlock {
  readonly type: 'call-block';
  readonly call: Expression;
  readonly parameters: readonly Parameter[];
  readonly body: readonly Statement[];
}

export type Statement =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'output'; readonly value: Expression }
  | ForLoop
  | {
      readonly type: 'if';
      readonly test: Expression;
      readonly body: readonly Statement[];
      readonly otherwise: readonly Statement[];
    }
  | { readonly type: 'set'; readonly target: Target; readonly value: Expression }
  | {
      readonly type: 'set-block';
      readonly target: Target;
      readonly filter: Expression | null;
      readonly body: readonly Statement[];
    }
  | Macro
  | CallBlock
  | {
      readonly type: 'filter-block';
      readonly filter: Expression;
      readonly body: readonly Statement[];
    }
  | {
      readonly type: 'with';
      readonly values: readonly (readonly [Target, Expression])[];
      readonly body: readonly Statement[];
    }
  /** `{% generation %}`: marks what the model said; its body has a scope of its own. */
  | { readonly type: 'scope'; readonly body: readonly Statement[] }
  | { readonly type: 'break' | 'continue' };
