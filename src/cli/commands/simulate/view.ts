/** The output of `dji-ota simulate`: where the docks are, and what they receive and do. */
import { showUpgradeType, type UpgradeType } from '../../../protocol/upgrade-types.js';
import type { DockEvent } from '../../../simulator/dock/dock-events.js';
import { safeJson, safeText } from '../../../text.js';
import { redactUrl } from '../../../url.js';

/** What is shown when the docks have started. */
export interface Stage {
  /** `mqtt://host:port` without secrets, and the WebSocket URL. */
  urls: readonly string[];
  /** The scenario or recording. */
  plays: { scenario: string } | { replay: string };
  description: string;
  docks: readonly { pid: string; aircraft: readonly string[] }[];
  /** Commands to continue with, and what they need. */
  next: readonly string[];
}

/** Shows running docks. */
export interface SimulatorView {
  started(stage: Stage): void;
  event(pid: string, event: DockEvent): void;
}

interface Streams {
  stdout: { write(text: string): unknown };
  stderr: { write(text: string): unknown };
}

const SHOWN = 10;

/** Prints where the docks are to stdout, and what they do to stderr. */
export function textView({ stdout, stderr }: Streams): SimulatorView {
  return {
    started({ urls, plays, description, docks, next }) {
      const [name, value] = 'scenario' in plays ? ['Scenario', plays.scenario] : ['Recording', plays.replay];
      const lines = [
        `Broker     ${urls.map((url) => safeText(url)).join('  ')}`,
        `${name.padEnd(10)} ${safeText(value)}${description && `: ${safeText(description)}`}`,
        ...docks.slice(0, SHOWN).map(({ pid, aircraft }) => {
          const with_ = aircraft.length > 0 ? `  aircraft ${aircraft.map((sn) => safeText(sn)).join(', ')}` : '';
          return `Dock       ${safeText(pid)}${with_}`;
        }),
        ...(docks.length > SHOWN ? [`           and ${docks.length - SHOWN} more`] : []),
        '',
        'In another terminal:',
        ...next,
        '',
        'Ctrl-C ends it.',
      ];
      stdout.write(`${lines.join('\n')}\n`);
    },
    event(pid, event) {
      stderr.write(`${new Date().toISOString().slice(11, 19)} ${safeText(pid, 64)} ${wordsOf(event)}\n`);
    },
  };
}

/** JSON lines on stdout, and nothing else. */
export function jsonView({ stdout }: Streams): SimulatorView {
  const line = (fields: object) =>
    stdout.write(`${safeJson(JSON.stringify({ schema: 1, time: new Date().toISOString(), ...fields }))}\n`);
  return {
    started({ urls, plays, docks }) {
      line({ event: 'simulator_started', broker: urls[0] ?? null, ws: urls[1] ?? null, ...plays, docks });
    },
    event(pid, event) {
      if (event.event !== 'request_received') return line({ ...event, pid });
      const devices = event.devices.map(({ version, type, bytes, file_url, ...device }) => ({
        ...device,
        product_version: version,
        firmware_upgrade_type: type,
        file_url: file_url && redactUrl(file_url),
        file_size: bytes === 0 ? null : bytes,
      }));
      return line({ ...event, pid, devices });
    },
  };
}

function wordsOf(event: DockEvent): string {
  switch (event.event) {
    case 'request_received': {
      const asked = event.devices.map(({ sn, version, type, file_name }) => {
        const file = file_name === null ? 'no file' : safeText(file_name, 80);
        return `${safeText(sn, 64)} to ${safeText(version, 40)} (${showUpgradeType(type as UpgradeType)}, ${file})`;
      });
      return `ota_create ${safeText(event.bid, 40)} for ${asked.join(', ') || 'nothing that it understands'}`;
    }
    case 'request_ignored':
      return 'ignored a message that is not an ota_create';
    case 'reply_sent':
      return event.result === 0 ? 'accepted' : `refused with ${event.result}`;
    case 'upgrade_ended':
      return `${event.sn === null ? 'upgrade' : safeText(event.sn, 64)} ended ${event.end}`;
    case 'rebooting':
      return 'reboots';
    case 'restarting':
      return 'restarts with what is new';
    case 'back':
      return 'is back';
    case 'ready':
      return 'is ready for upgrades now';
    case 'replay':
      return REPLAY[event.state];
  }
}

const REPLAY = {
  waiting: 'waits for an upgrade',
  answering: 'answers as recorded',
  answering_again: 'answers as it did to the first upgrade of the recording',
  no_answer: 'does not answer: the recording has no upgrade of it',
  over: 'has sent everything that was recorded',
} as const;
