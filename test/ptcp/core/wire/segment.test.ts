import { expect } from 'chai';
import { Flag, readU32, Segment, segmentLength } from '../../../../lib/ptcp/core/wire/segment.ts';

describe('Segment', () => {
  it('takes the sequence space of its text, its SYN and its FIN (RFC 9293 §3.4)', () => {
    const segment = new Segment();
    segment.payloadStart = 20;
    segment.payloadEnd = 25;
    const lengths = [0, Flag.ACK, Flag.SYN, Flag.FIN, Flag.SYN | Flag.FIN, Flag.RST | Flag.PSH].map(
      (flags) => {
        segment.flags = flags;
        return segmentLength(segment);
      },
    );

    expect(lengths).to.deep.equal([5, 5, 6, 6, 7, 5]);
  });

  it('reads four bytes as an unsigned number, most significant first', () => {
    expect(readU32(Uint8Array.of(9, 0xff, 0xfe, 0xfd, 0xfc, 9), 1)).to.equal(0xfffefdfc);
  });

  it('numbers the control bits as on the wire (RFC 9293 §3.1, RFC 3168 §6.1)', () => {
    expect(Object.values(Flag)).to.deep.equal([1, 2, 4, 8, 16, 32, 64, 128]);
  });
});
