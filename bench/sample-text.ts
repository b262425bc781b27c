// Texts of several kinds for tokenizer benchmarks, made of the project's dependencies or from a
// seed, so that every clone measures the same.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export const TEXT_KINDS = ['english', 'code', 'json', 'chinese', 'unicode'] as const;
export type TextKind = (typeof TEXT_KINDS)[number];

/** node_modules, found through a package that lets its manifest be resolved. */
const MODULES = dirname(dirname(createRequire(import.meta.url).resolve('undici/package.json')));

/** About `bytes` of UTF-8. */
export function sampleText(kind: TextKind, bytes: number): string {
  switch (kind) {
    case 'english':
      return cut([...filesOf('undici', '.md'), ...filesOf('piscina', '.md')], bytes);
    case 'code':
      return cut(filesOf('undici', '.js'), bytes);
    case 'json':
      return cut(manifests(), bytes);
    case 'chinese':
      return generated(bytes, (random) => {
        const sentence = Array.from({ length: 4 + random(12) }, () => pick(random, PHRASES));
        return `${sentence.join('')}${pick(random, ['，', '。', '。\n', '、', '？'])}`;
      });
    case 'unicode':
      return generated(bytes, (random) => String.fromCodePoint(32 + random(0xd7e0)));
  }
}

/** A seeded generator of integers below a bound (xorshift). */
function seeded(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

function pick(random: (bound: number) => number, items: readonly string[]): string {
  return items[random(items.length)] ?? '';
}

function generated(bytes: number, piece: (random: (bound: number) => number) => string): string {
  const random = seeded(42);
  let text = '';
  for (let size = 0; size < bytes; ) {
    const next = piece(random);
    size += Buffer.byteLength(next);
    text += next;
  }
  return text;
}

function filesOf(name: string, extension: string): string[] {
  const folder = join(MODULES, name);
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(extension) && !file.includes('node_modules'))
    .sort()
    .map((file) => readFileSync(join(folder, file), 'utf8'));
}

function manifests(): string[] {
  return ['undici', 'piscina', 'yaml', 'zeromq', 'msgpackr', 'node-gyp', 'typescript']
    .map((name) => readFileSync(join(MODULES, name, 'package.json'), 'utf8'))
    .concat(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'));
}

function cut(texts: readonly string[], bytes: number): string {
  const all = Buffer.from(texts.join('\n'));
  // A character cut in two becomes U+FFFD, once.
  return all.subarray(0, bytes).toString('utf8');
}

/** Common words, so that some tokens repeat and most neighbours do not. */
const PHRASES = [
  ...'的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动'.split(''),
  ...['我们', '可以', '没有', '什么', '自己', '问题', '系统', '服务', '请求', '模型', '缓存'],
  ...['数据', '时间', '世界', '中国', '北京', '上海', '经济', '发展', '社会', '技术', '人工智能'],
  ...['如果', '因为', '所以', '但是', '已经', '需要', '通过', '进行', '研究', '学习', '语言'],
  ...['计算机', '互联网', '工程师', '图书馆', '大学生', '负载均衡', '前缀匹配', '分布式系统'],
];
