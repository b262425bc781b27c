// Command line and environment to one checked Invocation. Nothing else reads the environment.
import { type InferFields, Place, readFields } from '../config/field.js';
import { suggestion } from '../config/nearest-name.js';
import { plainDocument } from '../config/yaml-document.js';
import { ConfigError } from '../errors.js';
import { COMMANDS, type Command, type CommandName } from './command-table.js';
import { eppFlagTakesValue } from './epp-flags.js';

export type CommandInvocation<C extends CommandName = CommandName> = {
  [K in C]: {
    readonly command: K;
    readonly flags: InferFields<(typeof COMMANDS)[K]['flags']>;
    /** The word after the command, for commands that want one. */
    readonly operand: string | null;
    readonly warnings: readonly string[];
  };
}[C];

export type Invocation =
  | CommandInvocation
  | { readonly command: 'help'; readonly text: string }
  | { readonly command: 'version' };

export type Environment = Readonly<Record<string, string | undefined>>;

/** `argv` without node and script. Throws ConfigError naming the flag or variable and its value. */
export function parseArguments(argv: readonly string[], environment: Environment): Invocation {
  const [first, ...rest] = argv;
  if (first === undefined || first === 'help' || first === '--help' || first === '-h') {
    const about = rest[0];
    return {
      command: 'help',
      text: about !== undefined && isCommand(about) ? usage(about) : usage(),
    };
  }
  if (first === '--version' || first === '-v' || first === 'version') return { command: 'version' };
  if (!isCommand(first)) {
    throw new ConfigError(`unknown command "${first}"${suggestion(first, Object.keys(COMMANDS))}`);
  }
  if (rest.includes('--help') || rest.includes('-h'))
    return { command: 'help', text: usage(first) };
  return parseCommand(first, rest, environment);
}

/** Text for people: all commands, or one command with its flags. */
export function usage(name?: CommandName): string {
  if (name === undefined) {
    const width = Math.max(...Object.keys(COMMANDS).map((key) => key.length)) + 2;
    const lines = Object.entries(COMMANDS).map(
      ([command, { summary }]) => `  ${command.padEnd(width)}${summary}`,
    );
    return `Usage: warmpath <command> [flags]\n\n${lines.join('\n')}\n\nwarmpath <command> --help lists its flags; each is also an environment variable,\n--admin-port as WARMPATH_ADMIN_PORT. The flag wins.\n`;
  }
  const { summary, operand, flags, examples = {} }: Command = COMMANDS[name];
  const words = operand === null ? '' : ` ${operand.join('|')}`;
  const rows = Object.entries(flags).map(([flag, { about }]): [string, string] => {
    const value = about.type === 'true or false' ? '' : ` ${about.type.toUpperCase()}`;
    const left = about.type.includes(',') ? ` ${about.type.replaceAll(', ', '|')}` : value;
    const fallback = about.fallback === null ? 'required' : `default: ${about.fallback}`;
    return [`  --${flag}${left}`, `${about.doc} (${fallback})`];
  });
  const width = Math.min(36, Math.max(0, ...rows.map(([left]) => left.length)) + 2);
  const lines = rows.map(([left, right]) =>
    left.length < width ? `${left.padEnd(width)}${right}` : `${left}\n${' '.repeat(width)}${right}`,
  );
  const section = lines.length === 0 ? '' : `\nFlags:\n${lines.join('\n')}\n`;
  const inputs = Object.entries(examples).map(([word, line]) => `  ${word.padEnd(8)}${line}`);
  const shown = inputs.length === 0 ? '' : `\nA line of input:\n${inputs.join('\n')}\n`;
  return `Usage: warmpath ${name}${words}${lines.length > 0 ? ' [flags]' : ''}\n\n${summary}\n${section}${shown}`;
}

function isCommand(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name);
}

function parseCommand<C extends CommandName>(
  name: C,
  argv: readonly string[],
  environment: Environment,
): CommandInvocation<C> {
  const command: Command = COMMANDS[name];
  const fields: (typeof COMMANDS)[C]['flags'] = COMMANDS[name].flags;
  const warnings: string[] = [];
  const given = readEnvironment(command, environment, warnings);
  const { flags, operands } = readFlags(name, command, argv, warnings);
  for (const [flag, value] of flags) given.set(flag, value);
  const read: Record<string, unknown> = {};
  for (const [flag, { text, source }] of given) {
    const place = new Place(plainDocument(null, source), [], warnings);
    const typed = fromText(text, command.flags[flag]?.about.type ?? 'text');
    // Read here once for an error that names flag or variable; below, once more, for the defaults.
    command.flags[flag]?.read(typed, place);
    read[flag] = typed;
  }
  for (const [flag, { about }] of Object.entries(command.flags)) {
    if (about.fallback === null && !Object.hasOwn(read, flag)) {
      throw new ConfigError(`${name} needs --${flag} (${about.doc})\n\n${usage(name)}`);
    }
  }
  return {
    command: name,
    flags: readFields(fields, read, new Place(plainDocument(null, name))),
    operand: operandOf(name, command, operands),
    warnings,
  };
}

function operandOf(
  name: CommandName,
  { operand }: Command,
  given: readonly string[],
): string | null {
  const [word, extra] = given;
  if (operand === null) {
    if (word !== undefined) throw new ConfigError(`${name}: unexpected argument "${word}"`);
    return null;
  }
  if (word === undefined) throw new ConfigError(`${name} needs one of: ${operand.join(', ')}`);
  if (extra !== undefined) throw new ConfigError(`${name}: unexpected argument "${extra}"`);
  if (operand.includes(word)) return word;
  throw new ConfigError(`${name}: unknown "${word}"${suggestion(word, operand)}`);
}

interface GivenText {
  readonly text: string;
  /** `--port` or `WARMPATH_PORT`. */
  readonly source: string;
}

function readFlags(
  name: CommandName,
  { flags }: Command,
  argv: readonly string[],
  warnings: string[],
): { flags: Map<string, GivenText>; operands: string[] } {
  const given = new Map<string, GivenText>();
  const operands: string[] = [];
  for (let i = 0; i < argv.length; i += 1) {
    const word = argv[i] ?? '';
    const parts = /^--?([a-z][a-z0-9-]*)(?:=([\s\S]*))?$/i.exec(word);
    if (parts === null) {
      operands.push(word);
      continue;
    }
    const flag = parts[1] ?? '';
    const field = Object.hasOwn(flags, flag) ? flags[flag] : undefined;
    const foreign = field === undefined && name === 'serve' ? eppFlagTakesValue(flag) : null;
    if (field === undefined && foreign === null) {
      const known = Object.keys(flags).map((key) => `--${key}`);
      throw new ConfigError(`${name}: unknown flag --${flag}${suggestion(`--${flag}`, known)}`);
    }
    const takesValue = field === undefined ? foreign : field.about.type !== 'true or false';
    let value = parts[2];
    if (value === undefined && takesValue === true) {
      i += 1;
      value = argv[i];
      if (value === undefined) throw new ConfigError(`${name}: --${flag} needs a value`);
    }
    if (field === undefined) {
      warnings.push(`--${flag} is a flag of llm-d's endpoint picker and has no effect here`);
    } else {
      given.set(flag, { text: value ?? 'true', source: `--${flag}` });
    }
  }
  return { flags: given, operands };
}

const PREFIX = 'WARMPATH_';

function readEnvironment(
  { flags }: Command,
  environment: Environment,
  warnings: string[],
): Map<string, GivenText> {
  const given = new Map<string, GivenText>();
  const variables = new Map(Object.keys(flags).map((flag) => [variableOf(flag), flag]));
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith(PREFIX) || text === undefined || text === '') continue;
    // Kubernetes describes a Service named warmpath in variables such as
    // WARMPATH_PORT=tcp://10.96.0.7:8080; they are not ours.
    if (/^[a-z]+:\/\//i.test(text) && variable.startsWith(`${PREFIX}PORT`)) continue;
    if (/^WARMPATH_(SERVICE_|PORT_\d)/.test(variable)) continue;
    const flag = variables.get(variable);
    if (flag !== undefined) given.set(flag, { text, source: variable });
    else if (!ALL_VARIABLES.has(variable)) {
      warnings.push(`${variable} is not known${suggestion(variable, variables.keys())}`);
    }
  }
  return given;
}

function variableOf(flag: string): string {
  return `${PREFIX}${flag.toUpperCase().replaceAll('-', '_')}`;
}

/** Variables of other commands may be set too: a container's environment is for all of them. */
const ALL_VARIABLES: ReadonlySet<string> = new Set(
  Object.values(COMMANDS).flatMap(({ flags }) => Object.keys(flags).map(variableOf)),
);

/** Text to what the field expects; text that is no number stays text, for the field to refuse. */
function fromText(text: string, type: string): unknown {
  if (type === 'integer' || type === 'number') {
    return /^-?\d+(?:\.\d+)?(?:e\d+)?$/i.test(text) ? Number(text) : text;
  }
  if (type === 'true or false' && (text === 'true' || text === '1')) return true;
  if (type === 'true or false' && (text === 'false' || text === '0')) return false;
  return text;
}
