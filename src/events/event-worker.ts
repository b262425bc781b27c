// Thread entry: the only writer of the prefix index.
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
