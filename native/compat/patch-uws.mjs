// Derives the copy of the uWebSockets.js binary that glibc 2.36 and 2.37 can load.
//
// The shipped Linux binaries ask for version GLIBC_2.38 of libc because of three symbols, which
// glibc_compat.c provides. In the copy that one version need is marked weak, a change of one byte,
// so that the dynamic linker accepts an older libc. uws-binaries.json lists the sha256 of every
// shipped binary and of every copy: an unknown file is never patched, an unexpected copy never kept.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SHT_GNU_VERNEED = 0x6ffffffe;
const VER_FLG_WEAK = 2;

/** Returns a copy of an ELF64 little-endian file in which libc's need of GLIBC_2.38 is weak. */
export function weakenGlibcNeed(original) {
  const elf = Buffer.from(original);
  if (elf.length < 64 || elf.readUInt32BE(0) !== 0x7f454c46 || elf[4] !== 2 || elf[5] !== 1) {
    throw new Error('not a 64-bit little-endian ELF file');
  }
  const sections = sectionTable(elf);
  const needs = sections.find((section) => section.type === SHT_GNU_VERNEED);
  const strings = needs && sections[needs.link];
  if (needs === undefined || strings === undefined) throw new Error('no version needs in the file');

  const text = (at) => {
    const start = strings.offset + at;
    return elf.toString('latin1', start, elf.indexOf(0, start));
  };
  const flagOffsets = [];
  let library = needs.offset;
  for (let l = 0; l < needs.info; l++) {
    const auxiliaryCount = elf.readUInt16LE(library + 2);
    const isLibc = text(elf.readUInt32LE(library + 4)) === 'libc.so.6';
    let auxiliary = library + elf.readUInt32LE(library + 8);
    for (let a = 0; a < auxiliaryCount; a++) {
      if (isLibc && text(elf.readUInt32LE(auxiliary + 8)) === 'GLIBC_2.38') {
        flagOffsets.push(auxiliary + 4);
      }
      auxiliary += elf.readUInt32LE(auxiliary + 12);
    }
    library += elf.readUInt32LE(library + 12);
  }
  const [flagOffset] = flagOffsets;
  if (flagOffset === undefined || flagOffsets.length !== 1) {
    throw new Error(`expected one need of GLIBC_2.38, found ${flagOffsets.length}`);
  }
  elf.writeUInt16LE(elf.readUInt16LE(flagOffset) | VER_FLG_WEAK, flagOffset);
  return elf;
}

function sectionTable(elf) {
  const table = Number(elf.readBigUInt64LE(0x28));
  const entrySize = elf.readUInt16LE(0x3a);
  return Array.from({ length: elf.readUInt16LE(0x3c) }, (_, number) => {
    const at = table + number * entrySize;
    return {
      type: elf.readUInt32LE(at + 4),
      offset: Number(elf.readBigUInt64LE(at + 0x18)),
      link: elf.readUInt32LE(at + 0x28),
      info: elf.readUInt32LE(at + 0x2c),
    };
  });
}

/** Writes build/uws/<binary> where this machine's glibc needs it; does nothing anywhere else. A
 * binary it does not know stops nothing: the loader refuses it and names the cure. */
export function patchForThisMachine(root) {
  process.report.excludeNetwork = true;
  const { glibcVersionRuntime } = process.report.getReport().header;
  if (glibcVersionRuntime !== '2.36' && glibcVersionRuntime !== '2.37') return;

  const name = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;
  const listFile = join(root, 'native', 'compat', 'uws-binaries.json');
  const known = JSON.parse(readFileSync(listFile, 'utf8')).binaries[name];
  const target = join(root, 'build', 'uws', name);
  if (known?.weakened === undefined) return;
  if (existsSync(target) && sha256(readFileSync(target)) === known.weakened) return;

  const require = createRequire(join(root, 'package.json'));
  const original = readFileSync(join(dirname(require.resolve('uWebSockets.js')), name));
  if (sha256(original) !== known.sha256) {
    process.stderr.write(`warmpath: ${name} is not the binary that ${listFile} lists: not used\n`);
    return;
  }
  const copy = weakenGlibcNeed(original);
  if (sha256(copy) !== known.weakened)
    throw new Error(`the derived copy of ${name} is not the listed one`);

  mkdirSync(dirname(target), { recursive: true });
  const temporary = `${target}.${process.pid}`;
  try {
    writeFileSync(temporary, copy);
    renameSync(temporary, target);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  patchForThisMachine(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
}
