/** The delivery of messages to a webhook, and its failures. */
import { describe, expect, test } from 'vitest';
import { type Answer, createDelivery } from '../../../src/render/notify/deliver.js';
import { manualClock } from '../../helpers/manual-clock.js';

/** A webhook with the given responses; the last one is repeated. */
function webhook(...answers: (Answer | 'never')[]) {
  const clock = manualClock();
  const got: { id: string | undefined; at: number }[] = [];
  const failures: string[] = [];
  let aborted = 0;
  const delivery = createDelivery({
    clock,
    key: null,
    post(_, headers, signal) {
      got.push({ id: headers['webhook-id'], at: clock.now() });
      signal.addEventListener('abort', () => aborted++);
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      return answer === 'never' || !answer ? new Promise(() => {}) : Promise.resolve(answer);
    },
    onFailure: (why) => failures.push(why),
  });
  const settle = async () => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  };
  return {
    ...delivery,
    got,
    failures,
    clock,
    aborted: () => aborted,
    settle,
    /** Advances in steps, so that the effect of one timer is there before the next. */
    async pass(seconds: number) {
      for (let second = 0; second < seconds; second++) {
        await settle();
        clock.advance(1_000);
      }
      await settle();
    },
  };
}

const OK: Answer = { status: 200, retryAfter: null };
const status = (code: number, retryAfter: number | null = null): Answer => ({ status: code, retryAfter });

test('messages go one after the other, in their order', async () => {
  const { send, settle, got, failures } = webhook(OK);
  for (const id of ['a', 'b', 'c']) send(id, '{}');
  await settle();
  await settle();
  expect(got.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  expect(failures).toEqual([]);
});

test('one that is not taken is tried again with growing waits, under its id, for two minutes', async () => {
  const { send, pass, got, failures } = webhook({ problem: 'could not be reached: connection refused' });
  send('a', '{}');
  await pass(200);
  expect(got.map(({ at }) => at / 1000)).toEqual([0, 1, 3, 7, 15, 31, 61, 91]);
  expect(new Set(got.map(({ id }) => id))).toEqual(new Set(['a']));
  expect(failures).toEqual(['could not be reached: connection refused']);
});

test('a warning is not repeated until a message was taken again', async () => {
  const { send, settle, failures } = webhook(status(400), status(400), OK, status(404));
  for (const id of ['a', 'b', 'c', 'd']) send(id, '{}');
  await settle();
  await settle();
  await settle();
  expect(failures).toEqual(['answered 400', 'answered 404']);
});

describe('answers', () => {
  test.each([
    [503, 2],
    [429, 2],
    [408, 2],
    [400, 1],
    [401, 1],
    [302, 1],
    [410, 1],
  ])('%i is tried %i times', async (code, times) => {
    const { send, pass, got } = webhook(status(code), OK);
    send('a', '{}');
    await pass(5);
    expect(got).toHaveLength(times);
  });

  test('one that asks for a pause has it, and an endless one does not', async () => {
    const { send, pass, got } = webhook(status(503, 20_000), status(503, 3_600_000), OK);
    send('a', '{}');
    await pass(200);
    expect(got.map(({ at }) => at / 1000)).toEqual([0, 20]);
  });

  test('after a 410 nothing more is sent', async () => {
    const { send, settle, got, failures } = webhook(status(410));
    send('a', '{}');
    await settle();
    send('b', '{}');
    await settle();
    expect(got).toHaveLength(1);
    expect(failures).toEqual(['answered 410 (gone): no more messages are sent to it']);
  });

  test('one that never comes ends after ten seconds', async () => {
    const { send, pass, got, aborted } = webhook('never', OK);
    send('a', '{}');
    await pass(12);
    expect(got.map(({ at }) => at / 1000)).toEqual([0, 11]);
    expect(aborted()).toBeGreaterThan(0);
  });
});

test('what waits is bounded, and the latest is kept', async () => {
  const { send, pass, got } = webhook('never');
  for (let index = 0; index < 1000; index++) send(`m${index}`, '{}');
  await pass(20_000);
  expect(new Set(got.map(({ id }) => id)).size).toBe(20);
  expect(got.at(-1)?.id).toBe('m999');
});

describe('the end of the run', () => {
  test('does not wait where nothing is under way', async () => {
    const { finish } = webhook(OK);
    await finish(10_000);
  });

  test('waits for what is under way, and tries the last message again while there is time', async () => {
    const { send, finish, pass, got, failures } = webhook(status(500));
    send('start', '{}');
    await pass(4);
    send('end', '{}');
    let over = false;
    const done = finish(10_000).then(() => {
      over = true;
    });
    await pass(9);
    expect(over).toBe(true);
    await done;
    const tries = (id: string) => got.filter((one) => one.id === id).length;
    expect(tries('end')).toBeGreaterThan(2);
    expect(got.at(-1)?.at).toBeLessThanOrEqual(14_000);
    expect(failures).toEqual(['answered 500']);
  });

  test('does not wait longer for a server that never answers', async () => {
    const { send, finish, pass, failures } = webhook('never');
    send('start', '{}');
    send('end', '{}');
    let over = false;
    void finish(10_000).then(() => {
      over = true;
    });
    await pass(9);
    expect(over).toBe(false);
    await pass(1);
    expect(over).toBe(true);
    expect(failures).toHaveLength(1);
  });
});
