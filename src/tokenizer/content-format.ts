// How a chat template wants message content: vLLM's `--chat-template-content-format auto`, which
// looks for a loop over the content in the template's syntax tree.
import type { Expression, ForLoop, Statement, Target } from './jinja/template-ast.js';

/** `string`: parts are joined to a text. `openai`: content is a list of parts. */
export type ContentFormat = 'string' | 'openai';

export function detectContentFormat(template: readonly Statement[]): ContentFormat {
  try {
    return loopsOverContent(template) ? 'openai' : 'string';
  } catch (error) {
    if (error instanceof UnreadableTarget) return 'string';
    throw error;
  }
}

/** Where vLLM's own detection gives up, it takes the default. */
class UnreadableTarget extends Error {}

function loopsOverContent(template: readonly Statement[]): boolean {
  const loops = [...findLoops(template)];
  const lists = messageLists(template);
  const messages = new Set<string>();
  for (const loop of loops) {
    if (lists.some((list) => isAccess(loop.iterable, list, null))) {
      messages.add(nameOf(loop.target));
    }
  }
  for (const loop of loops) {
    const isContent =
      [...messages].some((message) => isAccess(loop.iterable, message, 'content')) ||
      (loop.iterable.type === 'name' && loop.iterable.name === 'content');
    if (isContent && nameOf(loop.target) !== '') return true;
  }
  return false;
}

/** `messages` and every name a `set` makes of it. */
function messageLists(template: readonly Statement[]): string[] {
  const names = ['messages'];
  for (const name of names) {
    for (const { target, value } of findAssignments(template)) {
      if (!isAccess(value, name, null)) continue;
      const alias = nameOf(target);
      if (!names.includes(alias)) names.push(alias);
    }
  }
  return names;
}

function nameOf(target: Target): string {
  if (target.type !== 'name') throw new UnreadableTarget();
  return target.name;
}

/** Whether the expression is the variable (or its `key`), perhaps filtered, tested or sliced. */
function isAccess(node: Expression, variable: string, key: string | null): boolean {
  switch (node.type) {
    case 'filter':
      return node.operand !== null && isAccess(node.operand, variable, key);
    case 'test':
      return isAccess(node.operand, variable, key);
    case 'slice':
      return isAccess(node.object, variable, key);
    case 'name':
      return key === null && node.name === variable;
    case 'attribute':
      return node.name === key && isVariable(node.object, variable);
    case 'item':
      return (
        node.key.type === 'const' && node.key.value === key && isVariable(node.object, variable)
      );
    default:
      return false;
  }
}

function isVariable(node: Expression, variable: string): boolean {
  return node.type === 'name' && node.name === variable;
}

function* findLoops(statements: readonly Statement[]): Generator<ForLoop> {
  for (const statement of statements) {
    if (statement.type === 'for') yield statement;
    for (const body of bodiesOf(statement)) yield* findLoops(body);
  }
}

function* findAssignments(
  statements: readonly Statement[],
): Generator<Extract<Statement, { type: 'set' }>> {
  for (const statement of statements) {
    if (statement.type === 'set') yield statement;
    for (const body of bodiesOf(statement)) yield* findAssignments(body);
  }
}

function bodiesOf(statement: Statement): readonly (readonly Statement[])[] {
  switch (statement.type) {
    case 'for':
    case 'if':
      return [statement.body, statement.otherwise];
    case 'set-block':
    case 'macro':
    case 'call-block':
    case 'filter-block':
    case 'with':
    case 'scope':
      return [statement.body];
    default:
      return [];
  }
}
