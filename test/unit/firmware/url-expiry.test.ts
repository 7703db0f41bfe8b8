import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { urlExpiry } from '../../../src/firmware/check/url-expiry.js';

const at = (iso: string) => Date.parse(iso);
const cloudFront = (policy: string) =>
  Buffer.from(policy).toString('base64').replaceAll('+', '-').replaceAll('=', '_').replaceAll('/', '~');

describe('urlExpiry', () => {
  it.each([
    [
      'S3, Signature 4',
      'https://b.s3.amazonaws.com/f.zip?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20261124T080000Z&X-Amz-Expires=3600&X-Amz-Signature=ab',
      at('2026-11-24T09:00:00Z'),
    ],
    [
      'S3, Signature 2',
      'https://b.s3.amazonaws.com/f.zip?AWSAccessKeyId=AK&Expires=1795510800&Signature=x',
      1_795_510_800_000,
    ],
    [
      'Google Cloud V4',
      'https://storage.googleapis.com/b/f.zip?X-Goog-Date=20261124T080000Z&X-Goog-Expires=60&X-Goog-Signature=ab',
      at('2026-11-24T08:01:00Z'),
    ],
    [
      'Google Cloud V2',
      'https://storage.googleapis.com/b/f.zip?GoogleAccessId=a%40b&Expires=1795510800&Signature=x',
      1_795_510_800_000,
    ],
    [
      'Azure',
      'https://a.blob.core.windows.net/c/f.zip?sv=2024-11-04&se=2026-11-24T09%3A00%3A00Z&sp=r&sig=x%3D',
      at('2026-11-24T09:00:00Z'),
    ],
    ['Azure, a date alone', 'https://a.blob.core.windows.net/c/f.zip?se=2026-11-24&sig=x', at('2026-11-24T00:00:00Z')],
    [
      'Azure, without seconds',
      'https://a.blob.core.windows.net/c/f.zip?se=2026-11-24T09%3A30Z&sig=x',
      at('2026-11-24T09:30:00Z'),
    ],
    [
      'CloudFront, canned policy',
      'https://d1.cloudfront.net/f.zip?Expires=1795510800&Signature=x&Key-Pair-Id=K',
      1_795_510_800_000,
    ],
    [
      'CloudFront, custom policy',
      `https://d1.cloudfront.net/f.zip?Policy=${cloudFront('{"Statement":[{"Resource":"*","Condition":{"DateGreaterThan":{"AWS:EpochTime":1},"DateLessThan":{"AWS:EpochTime":1795510800}}}]}')}&Signature=x&Key-Pair-Id=K`,
      1_795_510_800_000,
    ],
    [
      'Alibaba OSS V1',
      'https://b.oss-cn-hangzhou.aliyuncs.com/f.zip?OSSAccessKeyId=K&Expires=1795510800&Signature=x',
      1_795_510_800_000,
    ],
    [
      'Alibaba OSS V4',
      'https://b.oss-cn-hangzhou.aliyuncs.com/f.zip?x-oss-date=20261124T080000Z&x-oss-expires=120&x-oss-signature=x',
      at('2026-11-24T08:02:00Z'),
    ],
  ])('%s', (_name, url, time) => {
    expect(urlExpiry(url)).toBe(time);
  });

  it.each([
    ['no query', 'https://example.com/f.zip'],
    ['Expires of somebody else', 'https://example.com/f.zip?Expires=1795510800'],
    ['se without a signature', 'https://example.com/f.zip?se=2026-11-24'],
    ['a lifetime without its start', 'https://example.com/f.zip?X-Amz-Expires=60'],
    ['a start that is no date', 'https://example.com/f.zip?X-Amz-Date=20269999T000000Z&X-Amz-Expires=60'],
    ['a policy without an end', `https://example.com/f.zip?Policy=${cloudFront('{"AWS:EpochTime":5}')}`],
    ['not a URL', 'f.zip'],
  ])('none: %s', (_name, url) => {
    expect(urlExpiry(url)).toBeNull();
  });

  it('takes the earliest where several are told', () => {
    const url =
      'https://b/f.zip?X-Amz-Date=20261124T080000Z&X-Amz-Expires=3600&X-Goog-Date=20261124T080000Z&X-Goog-Expires=60';
    expect(urlExpiry(url)).toBe(at('2026-11-24T08:01:00Z'));
  });

  it('never throws, and gives a finite time or null, whatever the query holds', () => {
    const keys = fc.constantFrom('X-Amz-Date', 'X-Amz-Expires', 'Expires', 'Key-Pair-Id', 'se', 'sig', 'Policy', 'a');
    const values = fc.oneof(fc.string(), fc.nat().map(String), fc.constant('20261124T080000Z'));
    fc.assert(
      fc.property(fc.array(fc.tuple(keys, values)), (pairs) => {
        const time = urlExpiry(`https://b/f.zip?${new URLSearchParams(pairs)}`);
        expect(time === null || Number.isFinite(time)).toBe(true);
      }),
    );
  });
});
