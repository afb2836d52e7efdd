import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import { Histogram } from './histogram.mjs';

/**
 * A load of constant rate in a process of its own. Requests are due at fixed times, whatever the server does, and a
 * latency counts from the time that the request was due to its last byte: a server that stalls is charged for every
 * request of the stall (no coordinated omission). One request at a time on a connection; when all are busy more are
 * opened up to a bound, and past it requests wait and are counted as late. Timers tick each millisecond, so a latency
 * is up to 1 ms too high, never too low.
 *
 * Prints one JSON object; times in milliseconds.
 */
const CONNECTIONS = 64;
const MOST_CONNECTIONS = 256;
const LATE_ANSWERS_MS = 5_000;
const HEADER_END = Buffer.from('\r\n\r\n');

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    path: { type: 'string', default: '/predict' },
    rate: { type: 'string' },
    seconds: { type: 'string' },
    bodies: { type: 'string' },
  },
});
const port = Number(values.port);
const perMs = Number(values.rate) / 1000;
const total = Math.round(Number(values.rate) * Number(values.seconds));
const requests = readFileSync(values.bodies, 'utf8').trim().split('\n').map(requestOf);
const latencies = new Histogram();
const free = [];
const waiting = [];
let connections = 0;
let sent = 0;
let late = 0;
let errors = 0;
let answered = 0;
let lastAnswerAt = 0;

for (let i = 0; i < CONNECTIONS; i++) free.push(await openConnection());
const startedAt = performance.now();
tick();

/** Sends all that is due. */
function tick() {
  const now = performance.now();
  const due = Math.min(total, Math.floor((now - startedAt) * perMs) + 1);
  while (sent < due) {
    const dueAt = startedAt + sent / perMs;
    send(dueAt, requests[sent % requests.length]);
    sent++;
  }
  const isOver =
    sent === total && (answered + errors === total || now > startedAt + total / perMs + LATE_ANSWERS_MS);
  if (isOver) report();
  else setTimeout(tick, 1);
}

function send(dueAt, request) {
  const connection = free.pop();
  if (connection !== undefined) {
    connection.send(dueAt, request);
    return;
  }
  if (connections >= MOST_CONNECTIONS) late++;
  else openConnection().then(release, () => undefined);
  waiting.push({ dueAt, request });
}

/** Gives a connection to the request that is due longest. */
function release(connection) {
  const next = waiting.shift();
  if (next === undefined) free.push(connection);
  else connection.send(next.dueAt, next.request);
}

function openConnection() {
  connections++;
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let dueAt = null;
    let received = null;
    const connection = {
      send(at, request) {
        dueAt = at;
        received = null;
        socket.write(request);
      },
    };
    socket.once('connect', () => resolve(connection));
    socket.on('data', (chunk) => {
      received = received === null ? chunk : Buffer.concat([received, chunk]);
      const status = answerStatus(received);
      if (status === null || dueAt === null) return;
      if (status === 200) {
        lastAnswerAt = performance.now();
        latencies.record((lastAnswerAt - dueAt) * 1000);
        answered++;
      } else errors++;
      dueAt = null;
      release(connection);
    });
    socket.once('error', reject);
    socket.once('close', () => {
      connections--;
      const place = free.indexOf(connection);
      if (place !== -1) free.splice(place, 1);
      if (dueAt !== null) errors++;
      dueAt = null;
    });
  });
}

/** The status of an answer that is there to its end; null until then. */
function answerStatus(received) {
  const headerEnd = received.indexOf(HEADER_END);
  if (headerEnd === -1) return null;
  const header = received.latin1Slice(0, headerEnd);
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(header)?.[1] ?? 0);
  return received.length < headerEnd + HEADER_END.length + length ? null : Number(header.slice(9, 12));
}

function requestOf(body) {
  return Buffer.from(
    `POST ${values.path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function report() {
  const ms = (order) => Number((latencies.quantile(order) / 1000).toFixed(3));
  const seconds = (lastAnswerAt - startedAt) / 1000;
  const facts = {
    requests: total,
    achieved: Number((answered / seconds).toFixed(1)),
    p50: ms(0.5),
    p95: ms(0.95),
    p99: ms(0.99),
    max: latencies.max / 1000,
    errors: total - answered,
    late,
  };
  process.stdout.write(`${JSON.stringify(facts)}\n`, () => process.exit(0));
}
