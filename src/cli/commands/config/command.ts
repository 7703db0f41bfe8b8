import { CONNECTION } from '../../options/connection.js';
import { defineOptions } from '../../options/declaration.js';
import { TEXT_OUTPUT } from '../../options/output.js';
import { defineCommand } from '../declaration.js';
import { TEST } from './options.js';

const PROFILE = defineOptions({
  profile: {
    ...CONNECTION.profile,
    group: 'Options',
    help: 'profile name',
    defaultText: 'the current one, else "default"',
  },
});

const NAME = [{ term: '<name>', help: 'profile', complete: 'profiles' }] as const;

const set = defineCommand({
  name: 'set',
  description: 'store settings in a profile',
  arguments: [{ term: '[settings...]', help: 'key=value ..., or one key and its value', complete: 'assignments' }],
  options: defineOptions({
    ...PROFILE,
    askPassword: { help: 'prompt for a password and store it in the settings file' },
    passwordStdin: { help: 'store the password read from standard input' },
  }),
  run: async ([settings], options, io) => (await import('./config.js')).setProfile(settings, options, io),
});

const get = defineCommand({
  name: 'get',
  description: 'show a profile, or one of its settings',
  arguments: [{ term: '[key]', help: 'setting', complete: 'settings' }],
  options: { ...PROFILE, ...TEXT_OUTPUT },
  run: async ([key], options, io) => (await import('./config.js')).showProfile(key, options, io),
});

const list = defineCommand({
  name: 'list',
  description: 'list all profiles; * marks the current one',
  options: TEXT_OUTPUT,
  run: async (_, options, io) => (await import('./config.js')).listProfiles(options, io),
});

const use = defineCommand({
  name: 'use',
  description: 'set the current profile; "none" clears it',
  arguments: NAME,
  options: {},
  run: async ([name], _, io) => (await import('./config.js')).useProfile(name, io),
});

const remove = defineCommand({
  name: 'remove',
  description: 'remove a profile',
  arguments: NAME,
  options: {},
  run: async ([name], _, io) => (await import('./config.js')).removeProfile(name, io),
});

const path = defineCommand({
  name: 'path',
  description: 'print the path of the settings file',
  options: TEXT_OUTPUT,
  run: async (_, options, io) => (await import('./config.js')).showPath(options, io),
});

const test = defineCommand({
  name: 'test',
  description: 'connect and show which topics the broker allows',
  options: TEST,
  run: async (_, options, io) => (await import('./topic-test.js')).testTopics(options, io),
});

export const config = defineCommand({
  name: 'config',
  description: 'manage broker profiles: named connection options',
  options: {},
  notes: `Settings:
  broker, username, password-file, password-command, ca, cert, key, insecure, client-id, mqtt-version,
  connect-timeout, reconnect-timeout, subscribe. A password is stored only with --ask-password or --password-stdin.`,
  examples: [
    'dji-ota config set --profile site-a broker=mqtts://mqtt.example.com username=ota ca=./ca.pem',
    'dji-ota config set --profile site-a --ask-password',
    "dji-ota config set --profile site-a 'password-command=pass show mqtt/site-a'",
    'dji-ota config use site-a',
    'dji-ota config test --pid 7CTXN4A00B0001',
    'dji-ota config set ca=            # an empty value removes a setting',
  ],
  commands: [set, get, list, use, remove, path, test],
});
