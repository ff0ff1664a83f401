import { expect } from 'chai';
import { citationsIn, requirementsIn } from '../../tools/citations.ts';

function sectionsIn(text: string): string[] {
  return citationsIn(text).map(({ document, section }) => `${document} ${section}`.trim());
}

describe('citations', () => {
  it('reads each section of one citation', () => {
    expect(sectionsIn('see RFC 5681 §3.1, §3.2 and §4.1, or RFC 6298')).to.deep.equal([
      'RFC 5681 3.1',
      'RFC 5681 3.2',
      'RFC 5681 4.1',
      'RFC 6298',
    ]);
  });

  it('reads ranges, appendices and drafts', () => {
    expect(
      sectionsIn('RFC 9293 §3.10.7.2–3; RFC 6298 §5.4–5.6; RFC 7323 Appendix G; draft-ietf-ccwg-bbr §4.1.2'),
    ).to.deep.equal([
      'RFC 9293 3.10.7.2',
      'RFC 9293 3.10.7.3',
      'RFC 6298 5.4',
      'RFC 6298 5.5',
      'RFC 6298 5.6',
      'RFC 7323 G',
      'draft-ietf-ccwg-bbr 4.1.2',
    ]);
  });

  it('reads on where a comment goes to the next line', () => {
    expect(sectionsIn('/**\n * As in RFC 9293\n * §3.6.\n */')).to.deep.equal(['RFC 9293 3.6']);
    expect(sectionsIn('// As in RFC\n  // 9293 §3.6.')).to.deep.equal(['RFC 9293 3.6']);
  });

  it('finds requirements, each once', () => {
    expect(requirementsIn('MUST-12, SHLD-3 and MUST-12; not MUST and not MUSTER-1')).to.deep.equal([
      'MUST-12',
      'SHLD-3',
    ]);
  });
});
