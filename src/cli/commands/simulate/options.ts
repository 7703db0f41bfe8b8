import { CONNECTION } from '../../options/connection.js';
import { defineOptions, type Options } from '../../options/declaration.js';
import type { CommonOptions } from '../../options/on-every-command.js';
import { PID, TEXT_OUTPUT } from '../../options/output.js';
import { count, factor } from '../../options/value-types.js';

const MOST_PORT = 65_535;
const MOST_DOCKS = 100_000;

export const SIMULATE = defineOptions({
  port: {
    value: '<n>',
    help: 'TCP port of the broker; 0 = any free one',
    type: count(0, MOST_PORT),
    defaultText: '1883',
  },
  docks: { value: '<n>', help: 'how many docks', type: count(1, MOST_DOCKS), defaultText: '2' },
  scenario: {
    value: '<name or file>',
    help: 'what the docks do; "list" shows the built-in ones',
    defaultText: 'ok',
    complete: 'scenarios',
  },
  manifest: {
    value: '<file>',
    help: 'docks for the gateways of a manifest, instead of --docks',
    complete: 'files',
  },
  replay: {
    value: '<file>',
    help: 'the docks of a recording, made with --record: they say again what they said, and answer an upgrade as they did',
    complete: 'files',
  },
  host: { value: '<address>', help: 'address to listen on', defaultText: '127.0.0.1' },
  wsPort: {
    value: '<n>',
    help: 'listen for WebSocket connections too; 0 = any free port',
    type: count(0, MOST_PORT),
  },
  speed: { value: '<factor>', help: 'how many times faster than real time', type: factor(1000), defaultText: '1' },
  pid: { ...PID.pid, help: 'with --manifest: gateway of the devices whose entry names none' },
  output: { ...TEXT_OUTPUT.output, help: 'how it is told what the docks are asked and do' },
  ...CONNECTION,
  broker: {
    ...CONNECTION.broker,
    help: 'a broker of yours to put the docks on; only serial numbers that begin with SIM',
    defaultText: 'one in this program',
    env: undefined,
  },
  username: {
    ...CONNECTION.username,
    help: 'user at --broker, or whom the clients have to log in as; the password comes from DJI_OTA_PASSWORD or a file',
    env: undefined,
  },
});

export type SimulateCommandOptions = Options<typeof SIMULATE> & CommonOptions;
