// YAML text to plain values that remember where they stand and how they were written.
import { type Document, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import { ConfigError } from '../errors.js';

export type PathStep = string | number;

/** Anchors used more often than this are taken for an attempt to blow up memory. */
const MAX_ALIASES = 100;

export interface YamlDocument {
  /** File name or flag, for messages. */
  readonly source: string;
  readonly value: unknown;
  /** Line and column of a value, `12:5`; null when unknown. */
  position(path: readonly PathStep[]): string | null;
  /** A scalar as written, such as `042`; null when there is none. */
  written(path: readonly PathStep[]): string | null;
}

/** Throws ConfigError with source, line and column when `text` is not one YAML document. */
export function parseYaml(text: string, source: string): YamlDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const problem = document.errors[0];
  if (problem !== undefined) {
    const { line, col } = lines.linePos(problem.pos[0]);
    throw new ConfigError(`${source}:${line}:${col}: ${problem.message}`);
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    throw new ConfigError(`${source}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return {
    source,
    value,
    position(path) {
      const node = nodeAt(document, path);
      if (!isNode(node) || !node.range) return null;
      const { line, col } = lines.linePos(node.range[0]);
      return `${line}:${col}`;
    },
    written(path) {
      const node = nodeAt(document, path);
      return isScalar(node) && typeof node.source === 'string' ? node.source : null;
    },
  };
}

/** A document that holds a value from elsewhere, without positions. */
export function plainDocument(value: unknown, source: string): YamlDocument {
  return { source, value, position: () => null, written: () => null };
}

function nodeAt(document: Document, path: readonly PathStep[]): unknown {
  return document.getIn(path, true);
}
