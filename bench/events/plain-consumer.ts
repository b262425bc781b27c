// Thread entry: the plain way to follow engines, as a yardstick. Each message is received in
// JavaScript, unpacked by msgpackr and stored in a std::unordered_map behind a std::shared_mutex.
import { createRequire } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { Unpackr } from 'msgpackr';
import { Context, Subscriber } from 'zeromq';

export interface PlainIndex {
  store(endpoint: number, hashes: BigUint64Array): void;
  size(): number;
}

export interface PlainConsumerData {
  readonly addon: string;
  readonly addresses: readonly string[];
}

const { addon, addresses }: PlainConsumerData = workerData;
const index: PlainIndex = createRequire(import.meta.url)(addon);
const unpackr = new Unpackr({ int64AsType: 'bigint', useRecords: false, mapsAsObjects: true });
const context = new Context({ maxSockets: addresses.length + 16 });

async function follow(socket: Subscriber, endpoint: number): Promise<void> {
  for await (const [, , payload] of socket) {
    const [, events] = unpackr.unpack(payload ?? Buffer.alloc(0));
    for (const event of events) {
      if (event.type !== 'BlockStored') continue;
      index.store(endpoint, BigUint64Array.from(event.block_hashes, BigInt));
    }
  }
}

const sockets: Subscriber[] = [];
for (const [endpoint, address] of addresses.entries()) {
  const socket = new Subscriber({ context, receiveHighWaterMark: 2000, linger: 0 });
  socket.subscribe();
  socket.connect(address);
  sockets.push(socket);
  void follow(socket, endpoint);
}
// A thread that is terminated with open sockets takes the process with it.
parentPort?.once('message', () => {
  for (const socket of sockets) socket.close();
});
parentPort?.postMessage('ready');
