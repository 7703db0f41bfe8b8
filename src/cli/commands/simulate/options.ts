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
    help: 'TCP port of the broker; 0 = any free port',
    type: count(0, MOST_PORT),
    defaultText: '1883',
  },
  docks: { value: '<n>', help: 'number of simulated docks', type: count(1, MOST_DOCKS), defaultText: '2' },
  scenario: {
    value: '<name or file>',
    help: 'how the docks behave; "list" shows the built-in scenarios',
    defaultText: 'ok',
    complete: 'scenarios',
  },
  manifest: {
    value: '<file>',
    help: 'simulate the gateways of this manifest, instead of --docks',
    complete: 'files',
  },
  replay: {
    value: '<file>',
    help: 'replay the docks of a recording made with --record: they repeat their messages and answer an upgrade as recorded',
    complete: 'files',
  },
  host: { value: '<address>', help: 'address to listen on', defaultText: '127.0.0.1' },
  wsPort: {
    value: '<n>',
    help: 'also listen for WebSocket connections; 0 = any free port',
    type: count(0, MOST_PORT),
  },
  speed: { value: '<factor>', help: 'how many times faster than real time', type: factor(1000), defaultText: '1' },
  pid: { ...PID.pid, help: 'with --manifest: gateway of devices whose entry has no pid' },
  output: { ...TEXT_OUTPUT.output, help: 'output format for the requests to the docks and their actions' },
  ...CONNECTION,
  broker: {
    ...CONNECTION.broker,
    help: 'connect the docks to your own broker; serial numbers must begin with SIM',
    defaultText: 'one in this program',
    env: undefined,
  },
  username: {
    ...CONNECTION.username,
    help: 'user name at --broker, or that clients must use; the password comes from DJI_OTA_PASSWORD or a file',
    env: undefined,
  },
});

/** The parsed options of `simulate`. */
export type SimulateCommandOptions = Options<typeof SIMULATE> & CommonOptions;
