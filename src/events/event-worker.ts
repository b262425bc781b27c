// Thread entry: the only writer of the prefix index.
import { inspect } from 'node:util';
import { parentPort, workerData } from 'node:worker_threads';
import { native } from '../native.js';
import { EventHub } from './event-hub.js';
import type { EventCommand, EventReport, EventThreadData } from './event-messages.js';

const data: EventThreadData = workerData;
const port = parentPort;
if (port === null) throw new Error('event-worker.js runs only as a worker thread');

const hub = new EventHub({
  data,
  index: native.PrefixIndex.attach(data.indexId),
  report: (report: EventReport) => port.postMessage(report),
});
port.on('message', (command: EventCommand) => {
  hub.command(command);
  // With the sockets and the port closed nothing keeps the thread alive.
  if (command.type === 'close') port.close();
});
await hub.start();

/** zeromq ends the whole process when a thread ends under its sockets, so that they are closed first, and
 * the thread ends for want of anything to do. */
process.once('uncaughtException', (error: unknown) => {
  // Once more, and nothing is left to be done.
  process.on('uncaughtException', () => {});
  port.postMessage({ type: 'failed', message: inspect(error) } satisfies EventReport);
  hub.abandon();
  port.close();
});
