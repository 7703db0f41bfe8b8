/** `dji-ota config test`: connects, and shows which of the needed topics the broker allows. */
import { randomUUID } from 'node:crypto';
import { abortable } from '../../../abort.js';
import { shownUser } from '../../../broker-url.js';
import { systemClock } from '../../../clock.js';
import { OtaError } from '../../../errors.js';
import type { Broker } from '../../../mqtt/broker.js';
import { connectBroker } from '../../../mqtt/connect.js';
import { parseTopic, type TopicKind, topicOf } from '../../../protocol/topics.js';
import { renderTable } from '../../../render/table/table.js';
import { terminalWidth } from '../../../render/terminal/stream.js';
import type { Connection } from '../../../settings/connection/load-connection.js';
import { safeJson, safeText } from '../../../text.js';
import { type Io, warner } from '../../io.js';
import { readConnection } from '../../read-connection.js';
import type { TestOptions } from './options.js';

interface TopicTest {
  action: 'subscribe' | 'publish';
  topic: string;
  /**
   * Null if the broker does not say. A granted subscription proves nothing on a broker that grants every request: mosquitto
   * with an `acl_file` does so, and then delivers nothing.
   */
  allowed: boolean | null;
  /** No upgrade works without it. */
  required: boolean;
  needed_for: string;
}

// What is subscribed for each gateway, and what does not work without it.
const SUBSCRIBED: readonly { kind: TopicKind; required: boolean; needed_for: string }[] = [
  { kind: 'services_reply', required: true, needed_for: 'push' },
  { kind: 'events', required: true, needed_for: 'push, watch' },
  { kind: 'state', required: false, needed_for: 'devices, preflight, verify' },
  { kind: 'osd', required: false, needed_for: 'devices, preflight' },
  { kind: 'status', required: false, needed_for: 'devices, preflight' },
];

/**
 * Tests the topics. @returns 0 if nothing is denied that an upgrade needs
 * @throws OtaError those of a connection; `broker_refused` if a required topic is denied
 */
export async function testTopics(options: TestOptions, io: Io): Promise<number> {
  const pids = options.pid ?? [];
  const connection = await readConnection(options, io, warner(io));
  const broker = await connectBroker({ ...connection, sessionExpiry: 0 }, { onMessage() {} }, { signal: io.signal });
  let topics: TopicTest[];
  try {
    topics = await abortable(tryTopics(broker, pids), io.signal);
  } finally {
    await broker.close();
  }
  printAnswers(connection, broker, topics, options, io);
  const denied = topics.filter((one) => one.required && one.allowed === false);
  if (denied.length === 0) return 0;
  throw new OtaError('broker_refused', `the broker denies ${denied.length} topics that an upgrade needs`, {
    details: denied.map((one) => `${one.action} ${safeText(one.topic)}`),
    hint: "Grant them to this user in the broker's access control list.",
  });
}

async function tryTopics(broker: Broker, pids: readonly string[]): Promise<TopicTest[]> {
  const tests: TopicTest[] = [];
  for (const pid of pids) {
    for (const { kind, ...needed } of SUBSCRIBED) {
      const topic = topicOf(kind, pid);
      tests.push({ action: 'subscribe', topic, allowed: await allowed(broker.subscribe([topic])), ...needed });
    }
  }
  if (pids.length === 0) return tests;
  // These two come last, because some brokers close the connection when they deny a request.
  const publish = await mayPublishAnywhere(broker);
  const grantsAnything = await atMost(PATIENCE, allowed(broker.subscribe([`dji-ota/test/${randomUUID()}`])));
  if (grantsAnything) for (const test of tests) test.allowed &&= null;
  const written = pids.map((pid): TopicTest => {
    return { action: 'publish', topic: topicOf('services', pid), allowed: publish, required: true, needed_for: 'push' };
  });
  return [...tests, ...written].sort((a, b) => pids.indexOf(pidOf(a)) - pids.indexOf(pidOf(b)));
}

/** Milliseconds to wait for an answer to a request that the broker may deny. */
const PATIENCE = 5000;

function pidOf({ topic }: TopicTest): string {
  return parseTopic(topic)?.serial ?? '';
}

/**
 * A message on the topic of a real gateway would reach it, so this uses a serial number that no gateway has. Accepted: all
 * gateways are allowed. Refused: the rule may list gateways, so nothing is known. MQTT 3.1.1 has no refusal [MQTT-3.3.5-2], so
 * there an acknowledgement proves nothing.
 */
async function mayPublishAnywhere(broker: Broker): Promise<boolean | null> {
  if (broker.version !== '5') return null;
  const nobody = `DJIOTATEST${randomUUID().replaceAll('-', '').toUpperCase()}`;
  return (await atMost(PATIENCE, allowed(broker.publish(topicOf('services', nobody), '{}')))) ? true : null;
}

/** The result of `attempt`; null = it takes longer or fails. */
async function atMost(ms: number, attempt: Promise<boolean>): Promise<boolean | null> {
  let cancel = () => {};
  const late = new Promise<null>((resolve) => {
    cancel = systemClock.after(ms, () => resolve(null));
  });
  const answer = await Promise.race([attempt.catch(() => null), late]);
  cancel();
  return answer;
}

async function allowed(attempt: Promise<void>): Promise<boolean> {
  try {
    await attempt;
    return true;
  } catch (error) {
    if (error instanceof OtaError && error.code === 'broker_refused') return false;
    throw error;
  }
}

const NOT_KNOWN = { subscribe: 'granted', publish: 'not known' } as const;
const MEANING = {
  granted:
    'granted: but this broker grants any topic. It has no access rules, or applies them only when a message arrives\n' +
    '(as mosquitto with an acl_file does): then check that they let this user read these topics.',
  'not known':
    'not known: to try it, a message would have to be sent to the gateway itself.\n' +
    'Check that the access rules of the broker let this user write to it.',
} as const;

function printAnswers(connection: Connection, broker: Broker, topics: TopicTest[], options: TestOptions, io: Io): void {
  const { url, usernameFrom, passwordFrom, profile } = connection;
  // A user name in the URL is not shown, as it may be secret.
  const inUrl = url.reveal().username === '' ? null : '***';
  const username = connection.username === undefined ? inUrl : shownUser(connection.username);
  if (options.output === 'json') {
    const result = { broker: broker.url, mqtt_version: broker.version, profile, username, password_from: passwordFrom };
    io.stdout.write(`${safeJson(JSON.stringify({ ...result, topics }))}\n`);
    return;
  }
  const login = username === null ? 'no user name' : `user ${username} (${usernameFrom})`;
  const secret = passwordFrom === null ? 'no password' : `password from ${passwordFrom}`;
  const named = profile === null ? null : `profile "${profile}"`;
  const told = named === null || [usernameFrom, passwordFrom].some((from) => from?.startsWith(named));
  const from = told ? '' : `, ${named}`;
  const lines = [`Connected to ${broker.url} with MQTT ${broker.version}: ${login}, ${secret}${from}.`];
  if (topics.length > 0) {
    const width = terminalWidth(io.stdout);
    const rows = topics.map((one) => [
      one.allowed === null ? NOT_KNOWN[one.action] : one.allowed ? 'allowed' : 'denied',
      one.action,
      one.topic,
      one.needed_for,
    ]);
    const columns = [{ title: 'answer' }, { title: 'action' }, { title: 'topic' }, { title: 'needed for' }];
    lines.push('', renderTable(columns, rows, width));
    for (const [action, word] of Object.entries(NOT_KNOWN)) {
      if (topics.some((one) => one.action === action && one.allowed === null)) lines.push('', MEANING[word]);
    }
  } else {
    lines.push('Give --pid to test the topics of a gateway as well.');
  }
  io.stdout.write(`${lines.join('\n')}\n`);
}
