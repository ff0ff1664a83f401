import { expect } from 'chai';
import type { Profile } from '../../../lib/ptcp/core/config.ts';
import { type Injected, LOCAL_PORT, pattern, type ScriptedPeer } from '../../support/scripted-peer.ts';
import { listening } from '../../support/scripted-states.ts';

const KIB = 1024;
const FIRST_PORT = 50_100;

interface Room {
  readonly profile?: Partial<Profile>;
  readonly maxConnections?: number;
  readonly memoryLimitBytes?: number;
}

/** A listener with room for four connections, and 64 KiB for their buffers. */
function listener({
  profile = {},
  maxConnections = 4,
  memoryLimitBytes = 64 * KIB,
}: Room = {}): ScriptedPeer {
  return listening({ profile, endpoint: { maxConnections, memoryLimitBytes } });
}

/** A peer from port FIRST_PORT + `n` opens a connection, and the user writes `textBytes` to it. */
function open(peer: ScriptedPeer, n: number, { window = 65_535, textBytes = 0 } = {}): void {
  const srcPort = FIRST_PORT + n;
  peer.inject({ flags: 'S', srcPort, window });
  peer.inject({ seq: 1, ack: 1, srcPort, window });
  if (textBytes > 0) peer.connection.write(pattern(textBytes));
  peer.drain();
}

/** The peer from port FIRST_PORT + `n` answers the probes of the next `ms`, and keeps its window as it is. */
function stay(peer: ScriptedPeer, ms: number, ...peers: readonly Injected[]): void {
  const end = peer.now + ms;
  while (peer.now < end) {
    peer.pass(Math.min(10_000, end - peer.now));
    for (const segment of peers) peer.inject({ seq: 1, ack: 1, window: 0, ...segment });
  }
  peer.drain();
}

/** Who was reset since the last time, by the number of the port. */
function wasReset(peer: ScriptedPeer): number[] {
  return peer
    .drain()
    .filter(({ flags }) => flags.includes('R'))
    .map(({ dstPort }) => dstPort - FIRST_PORT);
}

function isOpen(peer: ScriptedPeer, n: number): boolean {
  peer.drain();
  peer.inject({ flags: 'S', srcPort: FIRST_PORT + n });
  return peer.drain().some(({ flags, dstPort }) => flags === 'S.' && dstPort === FIRST_PORT + n);
}

describe('a window that stays shut', () => {
  const shut = { window: 0, textBytes: 10 };

  it('costs its connection when there is no room for another, the longest shut first (RFC 6429 §3)', () => {
    const peer = listener();
    for (const n of [0, 1, 2, 3]) {
      open(peer, n, n === 0 ? {} : shut);
      peer.pass(10);
    }
    const stubborn = [1, 2, 3].map((n) => ({ srcPort: FIRST_PORT + n }));
    stay(peer, 60_000, ...stubborn);
    peer.takeEvents();

    peer.inject({ flags: 'S', srcPort: FIRST_PORT + 4 });

    const answers = peer.drain();
    expect(answers.map(({ flags, dstPort }) => [flags, dstPort - FIRST_PORT])).to.have.deep.members([
      ['R.', 1],
      ['S.', 4],
    ]);
    peer.expectEvents('closed timeout');
    expect(peer.endpoint.stats.shutWindowsAborted).to.equal(1);
    expect(isOpen(peer, 5), 'and the next').to.equal(true);
    expect(isOpen(peer, 6), 'and the last').to.equal(true);
    expect(isOpen(peer, 7), 'whoever takes what he is sent stays').to.equal(false);
    expect(peer.endpoint.stats.shutWindowsAborted).to.equal(3);
  });

  it('costs nothing while there is room (RFC 9293 §3.8.6.1, MUST-37)', () => {
    const peer = listener({ maxConnections: 5 });
    for (const n of [0, 1, 2, 3]) open(peer, n, shut);
    stay(peer, 600_000, ...[0, 1, 2, 3].map((n) => ({ srcPort: FIRST_PORT + n })));

    expect(isOpen(peer, 4)).to.equal(true);
    expect(peer.endpoint.stats.shutWindowsAborted).to.equal(0);
  });

  it('costs nothing before a minute is over, nor where there is nothing to send (RFC 6429 §3)', () => {
    const peer = listener();
    for (const n of [0, 1, 2]) open(peer, n, shut);
    open(peer, 3, { window: 0 });
    stay(peer, 59_000, ...[0, 1, 2, 3].map((n) => ({ srcPort: FIRST_PORT + n })));
    expect(isOpen(peer, 4)).to.equal(false);
    stay(peer, 2000, ...[0, 1, 2, 3].map((n) => ({ srcPort: FIRST_PORT + n })));

    const wereOpened = [4, 5, 6, 7].map((n) => isOpen(peer, n));

    expect(wereOpened).to.deep.equal([true, true, true, false]);
  });

  it('begins anew when it was open in between (RFC 6429 §3)', () => {
    const peer = listener();
    for (const n of [0, 1, 2, 3]) open(peer, n, { window: 0, textBytes: 3000 });
    const all = [0, 1, 2, 3].map((n) => ({ srcPort: FIRST_PORT + n }));
    stay(peer, 50_000, ...all);
    peer.inject({ seq: 1, ack: 1, srcPort: FIRST_PORT, window: 1000 });
    peer.drain();
    stay(peer, 20_000, ...all);

    const wereOpened = [4, 5, 6, 7].map((n) => isOpen(peer, n));

    expect(wereOpened, 'three made way; the first has 40 s left').to.deep.equal([true, true, true, false]);
  });

  it('is no less shut for a crack in it (RFC 6429 §3, CVE-2008-4609)', () => {
    const peer = listener();
    for (const n of [0, 1, 2, 3]) {
      open(peer, n);
      peer.connection.write(pattern(5000));
      peer.drain();
    }
    const all = [0, 1, 2, 3].map((n) => ({ srcPort: FIRST_PORT + n, window: 10 }));
    // From the first of their ACKs on, after ten seconds.
    stay(peer, 71_000, ...all);

    expect(isOpen(peer, 4)).to.equal(true);
  });

  it('costs its connection when memory is short: others can write again (RFC 6429 §3)', () => {
    const peer = listener({ profile: { sendBufferBytes: 32 * KIB } });
    open(peer, 2);
    const honest = peer.connection;
    open(peer, 0, { window: 0, textBytes: 32 * KIB });
    open(peer, 1, { window: 0, textBytes: 32 * KIB });
    expect(peer.endpoint.memory.freeBytes).to.equal(0);
    expect(honest.write(pattern(100)), 'not yet').to.equal(0);
    stay(peer, 61_000, ...[0, 1].map((n) => ({ srcPort: FIRST_PORT + n })));

    // The first comes too early by a moment.
    for (let n = 0; n < 2; n += 1)
      peer.inject({ seq: 1, ack: 1, srcPort: FIRST_PORT + 2, payload: 'please' });

    expect(honest.write(pattern(100))).to.equal(100);
    expect(new TextDecoder().decode(honest.read(100))).to.equal('please');
    expect(peer.endpoint.stats.shutWindowsAborted, 'one is enough').to.equal(1);
  });

  it('is borne for ever where the profile says so, and others are found behind it (RFC 6429 §3)', () => {
    const peer = listener({ profile: { shutWindowMs: 'off' } });
    peer.endpoint.listen(LOCAL_PORT + 1, { shutWindowMs: 1000 });
    for (const n of [0, 1, 2]) open(peer, n, shut);
    peer.inject({ flags: 'S', srcPort: FIRST_PORT + 3, dstPort: LOCAL_PORT + 1, window: 0 });
    peer.inject({ seq: 1, ack: 1, srcPort: FIRST_PORT + 3, dstPort: LOCAL_PORT + 1, window: 0 });
    peer.connection.write(pattern(10));
    peer.pass(1000);
    peer.drain();

    peer.inject({ flags: 'S', srcPort: FIRST_PORT + 4 });
    expect(wasReset(peer)).to.deep.equal([3]);
    stay(peer, 600_000, ...[0, 1, 2].map((n) => ({ srcPort: FIRST_PORT + n })));

    expect(peer.endpoint.stats.shutWindowsAborted).to.equal(1);
  });
});
