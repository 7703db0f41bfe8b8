import { defineCommand } from '../declaration.js';
import { FORGET, INVENTORY } from './options.js';

const forget = defineCommand({
  name: 'forget',
  description: 'remove devices from the inventory, by sn, pid or age; asks first at a terminal',
  arguments: [{ term: '[pattern...]', help: 'devices by sn or pid, globs allowed', complete: 'known-serials' }],
  options: FORGET,
  examples: ['dji-ota inventory forget 7CTXN4A00B0001', 'dji-ota inventory forget --older-than 90d --dry-run'],
  run: async ([patterns], options, io) => (await import('./inventory.js')).forgetCommand(patterns, options, io),
});

export const inventory = defineCommand({
  name: 'inventory',
  summary: 'show what each device last reported, and drift from a manifest',
  description:
    'Lists what each device last reported, when, and which command heard it. Every command that listens to docks updates the inventory: push, watch, resume, devices, and devices --watch as a collector.',
  options: INVENTORY,
  notes: `With --target:
  drift        the device reported another version than the manifest's; consistency upgrade: it needs one
  current      it reported that version; consistency upgrade: it needs none
  unknown      the device never reported it, or not within --max-age
  not checked  a PSDK upgrade, which concerns the payload

Exit codes with --target:
  0  no drift
  1  drift
  5  no drift, but the state of some devices is unknown`,
  examples: [
    'dji-ota inventory',
    'dji-ota inventory --target fleet.csv',
    'dji-ota inventory --target fleet.csv --select site=north --max-age 7d --output json',
    'dji-ota inventory --output csv > inventory.csv',
  ],
  commands: [forget],
  run: async (_, options, io) => (await import('./inventory.js')).inventoryCommand(options, io),
});
