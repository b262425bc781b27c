// Process entry: the event publishers of many engines.
//
//   publisher-process.js FIRST COUNT BLOCKS     publishers FIRST to FIRST + COUNT - 1
//
// Sends its addresses; `greet` publishes each one's first batch, `run` many; then says how many went.
import { setTimeout as delay } from 'node:timers/promises';
import { Context, Publisher } from 'zeromq';
import { BatchMaker } from './batch-maker.js';

export interface RunOrder {
  readonly run: number;
  /** Batches a second of this process; null: as fast as they go. */
  readonly rate: number | null;
}

const HIGH_WATER_MARK = 100_000;
const TICK_MS = 4;
/** Batches sent before the sockets' own work gets its turn. */
const TURN = 32;

const [first = 0, count = 0, blocks = 0] = process.argv.slice(2).map(Number);
const context = new Context({ maxSockets: count + 16 });
const TOPIC = Buffer.from('kv@bench@model');

interface BenchPublisher {
  readonly socket: Publisher;
  readonly maker: BatchMaker;
  sequence: number;
}

const publishers: BenchPublisher[] = [];
for (let i = 0; i < count; i += 1) {
  const socket = new Publisher({ context, sendHighWaterMark: HIGH_WATER_MARK, linger: 0 });
  await socket.bind('tcp://127.0.0.1:*');
  publishers.push({ socket, maker: new BatchMaker(first + i, blocks), sequence: 0 });
}

async function publish(publisher: BenchPublisher, payload: Buffer): Promise<void> {
  const number = Buffer.allocUnsafe(8);
  number.writeUInt32BE(0, 0);
  number.writeUInt32BE(publisher.sequence, 4);
  publisher.sequence += 1;
  await publisher.socket.send([TOPIC, number, payload]);
}

async function run({ run: batches, rate }: RunOrder): Promise<number> {
  const start = performance.now();
  let sent = 0;
  while (sent < batches) {
    const due = rate === null ? batches : ((performance.now() - start) / 1000) * rate;
    for (let turn = 0; turn < TURN * count && sent < Math.min(batches, due); turn += 1) {
      const publisher = publishers[sent % count];
      if (publisher === undefined) throw new Error('there are no publishers');
      await publish(publisher, publisher.maker.next(Date.now() / 1000));
      sent += 1;
    }
    if (rate !== null) await delay(TICK_MS);
  }
  return performance.now() - start;
}

process.on('message', async (order: 'greet' | RunOrder) => {
  if (order === 'greet') {
    for (const publisher of publishers) await publish(publisher, publisher.maker.first);
    return;
  }
  const milliseconds = await run(order);
  process.send?.({ milliseconds });
});
process.on('disconnect', () => process.exit(0));
process.send?.({
  addresses: publishers.map(({ socket }) => socket.lastEndpoint),
  payloadBytes: publishers[0]?.maker.payloadBytes,
});
