// Template source -> a template that can be rendered.
import type { Value } from './python-value.js';
import { compileBody } from './statement-compiler.js';
import type { Statement } from './template-ast.js';
import { beginRendering, TemplateLimitError } from './template-budget.js';
import { TemplateError } from './template-error.js';
import { GLOBALS } from './template-globals.js';
import { TemplateOutput } from './template-output.js';
import { parseTemplate } from './template-parser.js';
import { Scope } from './template-scope.js';

export interface CompiledTemplate {
  readonly statements: readonly Statement[];
  /** Throws TemplateError with the message the engine would answer with, TemplateLimitError when it
   * takes too much. */
  render(variables: ReadonlyMap<string, Value>): string;
  /** The same in parts to be joined. */
  renderParts(variables: ReadonlyMap<string, Value>): readonly string[];
}

/** Throws TemplateError when the source is not a template. */
export function compileTemplate(source: string): CompiledTemplate {
  const statements = parseTemplate(source);
  const run = compileBody(statements);
  const globals = new Scope(null, new Map(GLOBALS));
  const renderParts = (variables: ReadonlyMap<string, Value>): readonly string[] => {
    const output = new TemplateOutput();
    beginRendering();
    try {
      run(new Scope(globals, new Map(variables)), output);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      if (/string length/.test(error.message)) throw new TemplateLimitError('makes a huge text');
      // A macro that calls itself for ever ends in JavaScript's own error.
      throw new TemplateError('maximum recursion depth exceeded');
    }
    return output.parts();
  };
  return { statements, renderParts, render: (variables) => renderParts(variables).join('') };
}
