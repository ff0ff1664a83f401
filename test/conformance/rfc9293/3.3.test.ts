import { expect } from 'chai';
import { InvariantError } from '../../../lib/errors.ts';
import { type Cause, nextState, type State, TRANSITIONS } from '../../../lib/ptcp/core/state.ts';
import * as states from '../../support/scripted-states.ts';

/** RFC 9293 §3.3.2, Figure 5, its notes, and the FIN step of §3.10.7.4 for SYN-RECEIVED, one arrow a line. */
const FIGURE_5 = `
LISTEN       rcv-syn            SYN-RECEIVED
LISTEN       user-close         CLOSED
SYN-SENT     rcv-syn-ack        ESTABLISHED
SYN-SENT     rcv-syn            SYN-RECEIVED
SYN-SENT     user-close         CLOSED
SYN-RECEIVED rcv-ack-of-syn     ESTABLISHED
SYN-RECEIVED user-close         FIN-WAIT-1
SYN-RECEIVED rcv-fin            CLOSE-WAIT
ESTABLISHED  user-close         FIN-WAIT-1
ESTABLISHED  rcv-fin            CLOSE-WAIT
FIN-WAIT-1   rcv-ack-of-fin     FIN-WAIT-2
FIN-WAIT-1   rcv-fin            CLOSING
FIN-WAIT-1   rcv-fin-ack-of-fin TIME-WAIT
FIN-WAIT-2   rcv-fin            TIME-WAIT
CLOSE-WAIT   user-close         LAST-ACK
CLOSING      rcv-ack-of-fin     TIME-WAIT
LAST-ACK     rcv-ack-of-fin     CLOSED
TIME-WAIT    time-out           CLOSED
`;

const CAUSES: readonly Cause[] = [
  'rcv-syn',
  'rcv-syn-ack',
  'rcv-ack-of-syn',
  'rcv-fin',
  'rcv-ack-of-fin',
  'rcv-fin-ack-of-fin',
  'rcv-rst',
  'user-close',
  'user-abort',
  'time-out',
  'gave-up',
];
/** These end a connection wherever it is: they are not drawn in the figure, but for its Note 3. */
const FATAL: readonly Cause[] = ['rcv-rst', 'user-abort', 'gave-up'];

describe('RFC 9293 §3.3.2: the states', () => {
  it('has the arrows of Figure 5 and no others (RFC 9293 §3.3.2)', () => {
    const arrows = Object.entries(TRANSITIONS).flatMap(([from, row]) =>
      Object.entries(row).map(([cause, to]) => `${from.padEnd(12)} ${cause.padEnd(18)} ${to}`),
    );

    expect(arrows.join('\n')).to.equal(FIGURE_5.trim());
  });

  it('takes a cause that a state does not have for a bug, but for those that end a connection anywhere', () => {
    for (const from of Object.keys(TRANSITIONS) as State[]) {
      for (const cause of CAUSES) {
        const to = TRANSITIONS[from][cause];
        if (to !== undefined) expect(nextState(from, cause)).to.equal(to);
        else if (FATAL.includes(cause)) expect(nextState(from, cause)).to.equal('CLOSED');
        else expect(() => nextState(from, cause), `${cause} in ${from}`).to.throw(InvariantError);
      }
    }
  });

  const builders = [
    ['SYN-SENT', states.synSent],
    ['ESTABLISHED', states.established],
    ['FIN-WAIT-1', states.finWait1],
    ['FIN-WAIT-2', states.finWait2],
    ['CLOSE-WAIT', states.closeWait],
    ['CLOSING', states.closing],
    ['LAST-ACK', states.lastAck],
    ['TIME-WAIT', states.timeWait],
  ] as const;
  for (const [state, build] of builders) {
    it(`comes to ${state} by segments and calls, opened from either side (RFC 9293 §3.3.2)`, () => {
      expect(build().connection.state).to.equal(state);
      expect(build({ role: 'active' }).connection.state).to.equal(state);
    });
  }

  it('comes to LAST-ACK and TIME-WAIT with timestamps, CRC-32 and SACK agreed on', () => {
    const rich = {
      profile: { timestamps: true, sack: true, windowScale: 7, ptcpOption: true, crc32: true },
      peerOptions: { mss: 1400, sackPermitted: true, timestamps: [1, 0], windowScale: 7, ptcp: 1 },
    } as const;

    for (const role of ['active', 'passive'] as const) {
      expect(states.lastAck({ ...rich, role }).connection.state).to.equal('LAST-ACK');
      expect(states.timeWait({ ...rich, role }).connection.state).to.equal('TIME-WAIT');
    }
  });
});
