// Words and signs with a meaning of their own in expressions.
export const COMPARE_OPERATORS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=']);
export const WORD_CONSTANTS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
  ['none', null],
  ['None', null],
]);
/** Words that end a test without arguments: `x is defined and y`. */
export const AFTER_TEST: ReadonlySet<string> = new Set([
  'else',
  'or',
  'and',
  'if',
  'is',
  'in',
  'not',
]);
