import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAnonymizer } from '../../../src/recording/anonymize.js';
import { parseRecordedLine, recordedLine } from '../../../src/recording/line.js';
import { redactText } from '../../../src/recording/redact.js';

describe('secrets', () => {
  it.each([
    ['a signed URL', '{"file_url":"https://s3.com/fw/x.zip?X-Amz-Signature=HUSH&e=1"}', '?***'],
    ['user info', '{"file_url":"https://ops:HUSH@s3.com/x.zip"}', '***@s3.com/x.zip'],
    ['escaped slashes', '{"u":"https:\\/\\/ops:HUSH@s3.com\\/x.zip?sig=HUSH"}', 's3.com/x.zip'],
    ['an escaped question mark', '{"u":"https://s3.com/x.zip\\u003fsig=HUSH"}', 's3.com/x.zip'],
    ['JSON in JSON', JSON.stringify({ params: JSON.stringify({ url: 'https://s3.com/x.zip?a=HUSH' }) }), 'x.zip'],
    ['a key that names it', '{"credentials":{"security_token":"HUSH","access_key_id" : "HUSH"}}', 'access_key_id'],
    ['a number', '{"password": 4711, "n": 1}', '"n": 1'],
    ['an escaped key', '{"pass\\u0077ord":"HUSH"}', '***'],
    ['a list', '{"tokens":["HUSH","HUSH"],"sn":"A"}', '"sn":"A"'],
    ['a doubled key', '{"file_url":"https://a/x.zip?HUSH","file_url":"x"}', '"file_url":"x"'],
    ['text that is no JSON', 'get https://a.b/x.zip?HUSH now, token=HUSH; Bearer HUSHHUSH', 'now'],
    ['a message that is cut off', '{"url":"https://a.b/x.zip?HUSH', 'x.zip'],
    ['a secret that is cut off', '{"n":1,"password":"HUSH', '"n":1'],
    ['single quotes', "{'password': 'HUSH', 'n': 1}", "'n': 1"],
    ['a web token', '{"x":"eyJIVVNI.HUSH.HUSH"}', '***'],
    ['a control character', '{"url":"https://a.b/x.zip?\u0001HUSH"}', 'x.zip'],
    ['another scheme', '{"url":"rtmp://u:HUSH@h/live?k=HUSH"}', 'h/live'],
  ])('are taken out of %s', (_, text, rest) => {
    const clean = redactText(text);
    expect(clean).not.toMatch(/HUSH|4711/);
    expect(clean).toContain(rest);
  });

  it('are looked for, and every other byte stays', () => {
    const texts = [
      '{"timestamp:": 1654070968655, "data":{"result":0,"output":{"progress":{"step_key":"download_firmware"}}}}',
      ' { "a" : [1.50, -0, 1e9, "x", null,true] , "device_model_key":"3-3-0", "a":2 }\r\n',
      '{"method":"ota_progress","data":{',
      '[[],{}]',
      '',
      '"\\ud800 \\u00e9 é"',
    ];
    for (const text of texts) expect(redactText(text)).toBe(text);
    fc.assert(
      fc.property(fc.json(), (text) => {
        JSON.parse(redactText(text));
      }),
    );
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => typeof redactText(text) === 'string'));
  });

  it('cost time that grows with the length of the text alone', () => {
    const long = 60_000;
    const attacks = [
      'a',
      'eyJ',
      '://',
      '"',
      '\\"',
      '{"',
      'https://',
      'token',
      "'",
      'a:',
      '1A',
      '\\/',
      'a://',
      '1581F8HGX24B00A1',
      '1581F8HG',
    ];
    for (const part of attacks) {
      const text = part.repeat(long / part.length);
      expect(redactText(text).length).toBeGreaterThan(0);
      expect(createAnonymizer().text(`{"sn":"1581F8HGX24B00A1","x":"${text}`).length).toBeGreaterThan(0);
    }
  }, 20_000);

  it('are taken out of bytes that are no text, which come back otherwise', () => {
    const clean = { topic: redactText, text: redactText };
    const bytes = Buffer.from([0xff, 0x00, ...Buffer.from(' https://a.b/x?HUSH '), 0xfe]);
    const message = { time: 0, direction: 'in', topic: 'thing/product/A/osd', qos: 0, retain: true } as const;
    const read = parseRecordedLine(recordedLine({ ...message, payload: bytes }, clean));
    expect(read).toMatchObject(message);
    expect(Buffer.from(read?.payload ?? '').toString('latin1')).toBe('\u00ff\u0000 https://a.b/x?*** \u00fe');
    const plain = Buffer.from([0xff, 0xfe, 0x7b, 0x00]);
    expect(parseRecordedLine(recordedLine({ ...message, payload: plain }, clean))?.payload).toEqual(plain);
  });
});

describe('anonymous recordings', () => {
  const DOCK = '7CTXN4A00B0001';
  const SN = '1581F8HGX24B00A1';

  it('have other serial numbers wherever one stands, the same for the same', () => {
    const anonymizer = createAnonymizer();
    const topic = anonymizer.topic(`thing/product/${DOCK}/osd`);
    const own = /^thing\/product\/(SIM[0-9A-Z]{11})\/osd$/.exec(topic)?.[1] ?? '';
    expect(own).not.toBe('');
    const text = anonymizer.text(
      JSON.stringify({
        gateway: DOCK,
        data: { sub_device: { device_sn: SN }, list: { [SN]: 1 } },
        nested: JSON.stringify({
          file_url: `https://cloud.operator.example/${DOCK.toLowerCase()}/fw${SN}.zip`,
          sn: SN,
        }),
        note: `logs_${SN}_20261127.zip of ${DOCK}, battery 4ERKKAV0AB1234`,
      }),
    );
    expect(text).not.toMatch(new RegExp(`${DOCK}|${SN}|4ERKKAV0AB1234|operator`, 'i'));
    const read = JSON.parse(text);
    const aircraft = read.data.sub_device.device_sn;
    expect(read).toMatchObject({ gateway: own, data: { list: { [aircraft]: 1 } } });
    expect(JSON.parse(read.nested)).toEqual({
      file_url: `https://host-1.invalid/${own}/fw${aircraft}.zip`,
      sn: aircraft,
    });
    expect(read.note).toMatch(new RegExp(`^logs_${aircraft}_20261127.zip of ${own}, battery SIM`));
    expect(anonymizer.text(text)).toBe(text);
    expect(createAnonymizer().topic(`thing/product/${DOCK}/osd`)).not.toBe(topic);
  });

  it('keep what the protocol says, and lose ids and positions', () => {
    const id = '5f6f8b0e-7f2d-4c2c-8a37-0d9c0a1b2c3d';
    const event = {
      method: 'ota_progress',
      bid: id,
      timestamp: 1654070968655,
      data: { output: { status: 'in_progress', progress: { percent: 10, current_step: 'upgrade_firmware' } } },
      osd: { latitude: 52.5, longitude: -13.4, height: 35.5, firmware_version: '17.07.04.01', mode_code: 0 },
      file_name: 'M4TD_17.07.04.01_pro.zip',
    };
    // Devices may have any names.
    const anonymizer = createAnonymizer();
    for (const sn of ['ok', 'in_progress', '10', 'DOCK']) anonymizer.learn(sn);
    const read = JSON.parse(anonymizer.text(JSON.stringify(event)));
    expect(read).toMatchObject({ ...event, bid: expect.any(String), osd: { latitude: 0, longitude: 0, height: 35.5 } });
    expect(read.bid).not.toBe(id);
    expect(JSON.parse(anonymizer.text(JSON.stringify({ bid: id }))).bid).toBe(read.bid);
  });

  it('hold no serial number that any message names, however it is written', () => {
    const serial = fc
      .stringMatching(/^[A-Z0-9]{9,20}$/)
      .filter((sn) => /\d/.test(sn) && /[A-Z]/.test(sn) && !sn.startsWith('SIM'));
    const around = fc.constantFrom('', '_', 'x', '/', ' ', '-', '.zip', 'é', '"');
    fc.assert(
      fc.property(serial, around, around, fc.boolean(), (sn, before, after, nest) => {
        const inner = { file_name: `${before}${sn}${after}`, small: sn.toLowerCase() };
        const text = JSON.stringify({ sn, data: nest ? JSON.stringify(inner) : inner });
        expect(createAnonymizer().text(text).toUpperCase()).not.toContain(sn);
      }),
    );
  });

  it('replace odd serial numbers too', () => {
    const anonymizer = createAnonymizer();
    anonymizer.learn('SIM-DOCK_1');
    expect(anonymizer.topic('thing/product/SIM-DOCK_1/events')).toMatch(/^thing\/product\/SIM[0-9A-Z]{11}\/events$/);
    expect(anonymizer.text('{"x":"of SIM-DOCK_1 and others"}')).not.toContain('DOCK_1');
  });
});

describe('a recorded line', () => {
  it.each([
    '',
    'null',
    '[]',
    '{}',
    '{"time":"x","direction":"in","topic":"a","payload":""}',
    '{"time":"2026-11-27T12:00:00Z","direction":"up","topic":"a","payload":""}',
    '{"time":"2026-11-27T12:00:00Z","direction":"in","topic":"","payload":""}',
    '{"time":"2026-11-27T12:00:00Z","direction":"in","topic":"a","payload":{}}',
    '{"time":"2026-11-27T12:00:00Z","direction":"in","topic":"a","payload":"","qos":3}',
    '{"time":"2026-11-27T12:00:00Z","direction":"in","topic":"a","payload":"","encoding":"zip"}',
    '{"time":',
  ])('is not %j', (line) => expect(parseRecordedLine(line)).toBeNull());
});
