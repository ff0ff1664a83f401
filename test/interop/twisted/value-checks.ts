import { expect } from 'chai';
import { AmpDateTime, type ArgumentsOf, Decimal } from '../../../protocols/amp/index.ts';
import { ascii, type Check, type CheckingClient } from './checking-client.ts';
import { EchoDateTime, EchoDecimal, EchoEverything, EchoFloat } from './schema.ts';

type Everything = ArgumentsOf<typeof EchoEverything>;

const FLOATS = [
  ...[0, -0, 1, 0.1, 1e15, 1e16, 1e21, 1e22, 1e-5, 1e-7, 5e-324, 1.7976931348623157e308, 123456789.123],
  ...[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 2 ** 53, 1 / 3],
];

const DECIMALS = [
  ...[
    '0',
    '-0',
    '1',
    '1.0',
    '10',
    '1E+2',
    '0.1',
    '1.5E+2',
    '1E-10',
    '0.000001',
    '1E-7',
    '1E+6',
    '1E+1000',
    '0E+3',
  ],
  ...[
    '0.00',
    'Infinity',
    '-Infinity',
    'NaN',
    '-NaN',
    'sNaN',
    '-sNaN',
    'NaN123',
    '123456789.123456789123456789',
  ],
];

const OFFSETS_MINUTES = [0, 1, -1, 330, -90, 23 * 60 + 59, -(23 * 60 + 59)];
/** They are within the calendar of UTC at each of the offsets. */
const TIMES = [
  { year: 2012, month: 1, day: 23, hour: 12, minute: 34, second: 56, microsecond: 54_321 },
  { year: 1, month: 1, day: 2 },
  { year: 9999, month: 12, day: 30, hour: 23, minute: 59, second: 59, microsecond: 999_999 },
  { year: 2000, month: 2, day: 29, microsecond: 1 },
];

/** Every kind of argument, the optional ones left out. */
function everything(changes: Partial<Everything> = {}): Everything {
  const time = TIMES[0]!;
  return {
    integer: -(2n ** 70n),
    string: Uint8Array.from({ length: 256 }, (_, index) => index),
    float: 0.1,
    boolean: false,
    unicode: 'héllo 世 😀',
    path: '/srv/é/x',
    'list-of-integer': [1, -20, 300],
    'list-of-unicode': ['a', '', 'é'],
    'list-of-list': [[1], [], [2, 3]],
    'list-of-float': [1, -0, Number.POSITIVE_INFINITY],
    'list-of-decimal': [Decimal.from('1E+2'), Decimal.from('-0')],
    'list-of-datetime': [new AmpDateTime({ ...time, offsetMinutes: -90 })],
    'amp-list': [
      { x: 1, y: 'one', z: [true, false] },
      { x: 2, z: [] },
    ],
    decimal: Decimal.from('123456789.123456789123456789'),
    datetime: new AmpDateTime({ ...time, offsetMinutes: 330 }),
    from: 7,
    ...changes,
  };
}

async function expectEchoed(client: CheckingClient, changes: Partial<Everything>): Promise<void> {
  const sent = everything(changes);

  const answer = await client.callRemote(EchoEverything, sent);

  expect(answer).to.deep.equal(sent);
}

/** Checks of what goes through unchanged, as in peer/amp_client.py. */
export const VALUE_CHECKS: Readonly<Record<string, Check>> = {
  every_argument_type: (client) => expectEchoed(client, {}),

  optional_arguments_present: (client) =>
    expectEchoed(client, {
      'opt-integer': 0,
      'opt-amp-list': [{ q: new Uint8Array(0) }, { q: ascii('\0') }],
    }),

  empty_values: (client) =>
    expectEchoed(client, {
      string: new Uint8Array(0),
      unicode: '',
      'list-of-integer': [],
      'list-of-list': [],
      'amp-list': [],
    }),

  floats: async (client) => {
    for (const sent of FLOATS) {
      const { value } = await client.callRemote(EchoFloat, { value: sent });
      expect(Object.is(value, sent), `${sent} came back as ${value}`).to.equal(true);
    }
  },

  decimals: async (client) => {
    for (const sent of DECIMALS) {
      const { value } = await client.callRemote(EchoDecimal, { value: Decimal.from(sent) });
      expect(value.toString()).to.equal(sent);
    }
  },

  datetimes: async (client) => {
    for (const offsetMinutes of OFFSETS_MINUTES) {
      for (const time of TIMES) {
        const sent = new AmpDateTime({ ...time, offsetMinutes });
        const { value } = await client.callRemote(EchoDateTime, { value: sent });
        expect(value, sent.toString()).to.deep.equal(sent);
      }
    }
  },
};
