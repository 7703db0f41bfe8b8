/** Converts the options of `push` to the settings of the use case. */
import type { PushSettings } from '../../../app/push-settings.js';
import { OtaError } from '../../../errors.js';
import { digestCacheFile } from '../../../settings/state-folders.js';
import { checkRecord } from '../../record.js';
import type { PushOptions } from './options.js';

/** The settings of a push. @throws OtaError `usage` for contradicting options */
export function pushSettings(options: PushOptions, env: NodeJS.ProcessEnv): PushSettings {
  checkRecord(options);
  const { preflight, verify, serve, serveUrl, serveRate, waves, wavePause } = options;
  if (options.verifyTimeout !== undefined && verify === 'off') {
    throw new OtaError('usage', '--verify-timeout needs --verify', {
      hint: 'Give --verify report or --verify require.',
    });
  }
  if (options.skipUnready && options.waitReady) {
    throw new OtaError('usage', '--skip-unready means --wait-ready 0, but another --wait-ready is given', {
      hint: 'Give one of the two.',
    });
  }
  if (wavePause !== undefined && waves === undefined) {
    throw new OtaError('usage', '--wave-pause needs --waves', { hint: 'Give them like --waves 1,10%,100%.' });
  }
  if (serveUrl !== undefined && serve === undefined) {
    throw new OtaError('usage', '--serve-url needs --serve', {
      hint: 'Give the address to listen on with --serve host:port.',
    });
  }
  if (serveRate !== undefined && serve === undefined) {
    throw new OtaError('usage', '--serve-rate needs --serve', {
      hint: 'It limits the bandwidth of --serve; give the address to listen on with --serve host:port.',
    });
  }
  return {
    firmware: {
      cacheFile: options.cache === false ? null : digestCacheFile(env),
      trustManifest: options.trustManifest,
      maxSize: options.maxSize,
    },
    serve: serve === undefined ? undefined : { address: serve, url: serveUrl, rate: serveRate },
    limits: {
      reply: options.replyTimeout,
      stall: options.stallTimeout,
      verify: options.verifyTimeout,
      total: options.timeout,
    },
    rollout: {
      concurrency: options.concurrency,
      waves,
      wavePause,
      maxFailures: options.maxFailures,
      retries: options.retries,
      retryWait: options.retryWait,
    },
    allow: options.allow,
    match: options.match,
    preflight,
    skipCurrent: options.skipCurrent,
    skipUnready: options.skipUnready,
    waitReady: options.waitReady,
    verify,
  };
}
