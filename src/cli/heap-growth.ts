// How far the heap may grow before V8 marks all of it.
//
// Bodies count as heap, live ones as well as those that the next quick collection frees. With some 17 MB
// alive V8 would mark everything for every 10 MB of bodies, 12 times a second at 500 bodies of 220 KB,
// for a fifth of all CPU time.
import { setFlagsFromString } from 'node:v8';

/** V8 chooses a growth between a tenth and this by how quick its last collections were. */
const GROWTH_PERCENT = 300;

/** For all threads of the process. Takes effect with the next full collection. */
export function letHeapGrow(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}
