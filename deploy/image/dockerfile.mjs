// Reads a Dockerfile and its .dockerignore, as far as ours goes, so that its steps can be run, and its files
// checked, where no container engine is. What it does not know is an error, not a guess.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const STEPS = new Set(['RUN', 'COPY']);

/** The stages in order. Each has `base` (an image, or an earlier stage's name), `name` or null, its `steps`
 * ({ instruction, text }) and the `config` of its image: env, workdir, user, entrypoint, cmd, healthcheck. */
export function readDockerfile(text, args = {}) {
  const values = new Map();
  const stages = [];
  for (const line of instructionsOf(text)) {
    const [, word = '', rest = ''] = /^(\S+)\s+(.*)$/s.exec(line) ?? [];
    const instruction = word.toUpperCase();
    const stage = stages.at(-1);
    if (instruction === 'ARG') {
      const [, name, fallback] = /^(\w+)=(.*)$/.exec(rest) ?? [];
      if (name === undefined) throw new Error(`Dockerfile: ARG ${rest} has no default`);
      values.set(name, args[name] ?? fallback);
    } else if (instruction === 'FROM') {
      const filled = rest.replace(/\$\{(\w+)\}/g, (_, name) => values.get(name) ?? fail(name));
      const [base, , name = null] = filled.split(/\s+/);
      stages.push({ base, name, steps: [], config: { env: {}, workdir: '/', user: null } });
    } else if (stage === undefined) {
      throw new Error(`Dockerfile: ${instruction} before FROM`);
    } else if (STEPS.has(instruction)) {
      if (stage.config.workdir !== '/' || stage.config.user !== null) {
        throw new Error(`Dockerfile: ${instruction} after WORKDIR or USER is not known here`);
      }
      stage.steps.push({ instruction, text: rest });
    } else {
      configure(stage.config, instruction, rest);
    }
  }
  return stages;
}

function fail(name) {
  throw new Error(`Dockerfile: nothing says what ${name} is`);
}

/** Lines with their continuations, without comments. */
function instructionsOf(text) {
  const lines = text.split('\n').filter((line) => !/^\s*#/.test(line));
  const joined = lines.join('\n').replaceAll(/\\\n/g, '');
  return joined.split('\n').filter((line) => line.trim() !== '');
}

function configure(config, instruction, text) {
  switch (instruction) {
    case 'ENV':
      for (const pair of text.split(/\s+/)) {
        const [, name, value] = /^(\w+)=([^"'\\]*)$/.exec(pair) ?? [];
        if (name === undefined) throw new Error(`Dockerfile: ENV ${pair} is not NAME=VALUE`);
        config.env[name] = value;
      }
      return;
    case 'WORKDIR':
      config.workdir = text;
      return;
    case 'USER':
      config.user = text;
      return;
    case 'ENTRYPOINT':
      config.entrypoint = JSON.parse(text);
      return;
    case 'CMD':
      config.cmd = JSON.parse(text);
      return;
    case 'HEALTHCHECK':
      config.healthcheck = JSON.parse(text.slice(text.indexOf('CMD ') + 'CMD '.length));
      return;
    case 'LABEL':
    case 'EXPOSE':
      return;
    default:
      throw new Error(`Dockerfile: ${instruction} is not known here`);
  }
}

/** `--from` (null: the context), sources and target of a COPY. */
export function readCopy(text) {
  const words = text.split(/\s+/);
  const flags = words.filter((word) => word.startsWith('--'));
  const from = flags.map((flag) => /^--from=(.+)$/.exec(flag)?.[1] ?? fail(flag)).at(0) ?? null;
  const paths = words.filter((word) => !word.startsWith('--'));
  return { from, sources: paths.slice(0, -1), target: paths.at(-1) };
}

/** Files under `root` that a build gets to see, relative to it. */
export function contextFiles(root) {
  const isLeftOut = ignorance(readFileSync(join(root, '.dockerignore'), 'utf8'));
  const visit = (folder) =>
    readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (isLeftOut(path)) return [];
      return entry.isDirectory() ? visit(path) : [path];
    });
  return visit('');
}

/** Patterns are paths from the root: `*` within one name, `**` any number of folders. */
function ignorance(text) {
  const patterns = text
    .split('\n')
    .map((line) => line.trim().replace(/^\/|\/$/g, ''))
    .filter((line) => line !== '' && !line.startsWith('#'));
  const expressions = patterns.map((pattern) => {
    if (/[!?[\]\\]/.test(pattern)) throw new Error(`.dockerignore: ${pattern} is not known here`);
    const parts = pattern.split(/(\*\*\/|\*)/).map((part) => {
      if (part === '**/') return '(?:[^/]+/)*';
      return part === '*' ? '[^/]*' : part.replaceAll('.', '\\.');
    });
    return new RegExp(`^${parts.join('')}$`);
  });
  return (path) => expressions.some((expression) => expression.test(path));
}
