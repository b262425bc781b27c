// Thread entry of a test: serves until it is told to close.
import { parentPort } from 'node:worker_threads';
import { createServer } from '../../src/http/server.js';

const server = createServer((exchange) => exchange.respond(200, [], 'from a worker'));
const port = await server.listen('127.0.0.1', 0);
parentPort?.postMessage(port);
parentPort?.once('message', () => {
  server.close();
  parentPort?.close();
});
