import { expect } from 'chai';
import fc from 'fast-check';
import { UsageError } from '../../../lib/errors.ts';
import { AmpDateTime, ArgumentError, dateTime } from '../../../protocols/amp/index.ts';
import { readText, writtenText } from '../../support/amp-values.ts';

const MOMENT = { year: 2012, month: 1, day: 23, hour: 12, minute: 34, second: 56, microsecond: 54_321 };
const FIRST = new AmpDateTime({ year: 1, month: 1, day: 1 });
const LAST = new AmpDateTime({
  year: 9999,
  month: 12,
  day: 31,
  hour: 23,
  minute: 59,
  second: 59,
  microsecond: 999_999,
});

const anyTime = fc
  .tuple(
    fc.date({ min: new Date('0001-01-03T00:00Z'), max: new Date('9999-12-29T00:00Z'), noInvalidDate: true }),
    fc.integer({ min: -1439, max: 1439 }),
    fc.integer({ min: 0, max: 999 }),
  )
  .map(([date, offsetMinutes, extra]) => {
    const time = AmpDateTime.fromDate(date, offsetMinutes);
    return { date, time: new AmpDateTime({ ...time, microsecond: time.microsecond + extra }) };
  });

describe('AmpDateTime', () => {
  it('is the time of a Date, on any clock', () => {
    fc.assert(
      fc.property(anyTime, ({ date, time }) => {
        const shown = new Date(date.getTime() + time.offsetMinutes * 60_000);

        expect(time.epochMs).to.equal(date.getTime());
        expect([time.year, time.month, time.day]).to.deep.equal([
          shown.getUTCFullYear(),
          shown.getUTCMonth() + 1,
          shown.getUTCDate(),
        ]);
        expect([time.hour, time.minute, time.second]).to.deep.equal([
          shown.getUTCHours(),
          shown.getUTCMinutes(),
          shown.getUTCSeconds(),
        ]);
      }),
    );
  });

  it('reads what it wrote, on the wire and as text', () => {
    fc.assert(
      fc.property(anyTime, ({ time }) => {
        const text = writtenText(dateTime, time);

        expect(text).to.have.lengthOf(32);
        expect(readText(dateTime, text)).to.deep.equal(time);
        expect(AmpDateTime.parse(`${time}`)).to.deep.equal(time);
        expect(new Date(`${time}`).getTime(), 'as JavaScript reads it').to.equal(time.epochMs);
      }),
    );
  });

  it('compares points in time, whatever the clocks show', () => {
    const here = new AmpDateTime({ ...MOMENT, offsetMinutes: 330 });
    const there = here.withOffset(-90);

    expect(`${there}`).to.equal('2012-01-23T05:34:56.054321-01:30');
    expect(here.equals(there)).to.equal(true);
    expect(here.compare(new AmpDateTime({ ...MOMENT }))).to.be.below(0);
    expect(new AmpDateTime(MOMENT).compare(new AmpDateTime({ ...MOMENT, microsecond: 0 }))).to.be.above(0);
    expect(FIRST.compare(LAST)).to.be.below(0);
  });

  it('knows the first and the last moment', () => {
    expect(writtenText(dateTime, FIRST)).to.equal('0001-01-01T00:00:00.000000-00:00');
    expect(`${LAST}`).to.equal('9999-12-31T23:59:59.999999Z');
    expect(FIRST.epochMs).to.equal(Date.parse('0001-01-01T00:00:00Z'));
    expect(LAST.epochMs).to.equal(Date.parse('9999-12-31T23:59:59.999Z'));
    expect(() => FIRST.withOffset(-1)).to.throw(UsageError, 'year');
    expect(() => AmpDateTime.fromDate(new Date(8.64e15))).to.throw(UsageError, 'year');
    expect(() => AmpDateTime.fromDate(new Date(Number.NaN))).to.throw(UsageError, 'invalid');
  });

  it('knows leap years', () => {
    const days = [2000, 1900, 2024, 2023].map(
      (year) => AmpDateTime.parse(`${year}-02-29T00:00Z`) !== undefined,
    );

    expect(days).to.deep.equal([true, false, true, false]);
  });

  for (const field of [
    { year: 0 },
    { year: 10_000 },
    { month: 0 },
    { month: 13 },
    { day: 0 },
    { day: 32 },
    { month: 4, day: 31 },
    { hour: 24 },
    { minute: 60 },
    { second: 60 },
    { microsecond: 1_000_000 },
    { microsecond: 0.5 },
    { offsetMinutes: 1440 },
    { offsetMinutes: -1440 },
    { hour: Number.NaN },
  ]) {
    it(`cannot be made with ${JSON.stringify(field)}`, () => {
      expect(() => new AmpDateTime({ ...MOMENT, ...field })).to.throw(UsageError);
    });
  }

  it('reads the texts of ISO 8601 that have a zone', () => {
    const texts = {
      '2012-01-23T12:34:56.054321Z': '2012-01-23T12:34:56.054321Z',
      '2012-01-23t12:34:56,5z': '2012-01-23T12:34:56.500000Z',
      '2012-01-23 12:34+0530': '2012-01-23T12:34:00.000000+05:30',
      '2012-01-23T12:34:56-00:00': '2012-01-23T12:34:56.000000Z',
    };

    for (const [text, printed] of Object.entries(texts))
      expect(`${AmpDateTime.parse(text)}`, text).to.equal(printed);
    for (const text of [
      '2012-01-23',
      '2012-01-23T12:34:56',
      '2012-01-23T12:34:56.1234567Z',
      '2012-01-23T12:34+05:60',
      '2012-13-23T12:34Z',
      '2012-01-23T12:34+24:00',
      'now',
    ]) {
      expect(AmpDateTime.parse(text), text).to.equal(undefined);
    }
  });

  it('is a text in JSON', () => {
    expect(JSON.stringify([new AmpDateTime(MOMENT)])).to.equal('["2012-01-23T12:34:56.054321Z"]');
  });
});

describe('dateTime', () => {
  it('minds no separators, as Twisted', () => {
    expect(`${readText(dateTime, '2012/01/23_12.34.56,054321+05h30')}`).to.equal(
      '2012-01-23T12:34:56.054321+05:30',
    );
    expect(dateTime.read(Buffer.from('2012-01-23T12:34:56.054321+00:00'))).to.deep.equal(
      new AmpDateTime(MOMENT),
    );
  });

  for (const text of [
    '2012-01-23T12:34:56.054321Z00:00',
    '2012-01-23T12:34:56.054321 00:00',
    '2012-01-23T12:34:56.054321+00:0',
    '2012-01-23T12:34:56.054321+00:000',
    '2012-13-23T12:34:56.054321+00:00',
    '2011-02-29T12:34:56.054321+00:00',
    '2012-01-23T12:34:60.054321+00:00',
    '2012-01-23T12:34:56.054321+24:00',
    '2012-01-23T12:34:56.05432x+00:00',
    '0000-01-23T12:34:56.054321+00:00',
    '',
  ]) {
    it(`does not read '${text}'`, () => {
      expect(() => readText(dateTime, text)).to.throw(ArgumentError);
    });
  }

  it('writes nothing but AmpDateTimes', () => {
    expect(() => writtenText(dateTime, new Date() as never)).to.throw(UsageError);
  });
});
