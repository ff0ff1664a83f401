import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import type { ProfileOptions } from '../../lib/ptcp/core/config.ts';
import { PtcpEndpoint } from '../../lib/ptcp/core/endpoint.ts';
import { EndpointNetwork } from '../../lib/testing/endpoint-network.ts';
import { ascii, pattern, ScriptedPeer, type ScriptOptions } from '../support/scripted-peer.ts';

/** An active opener that wrote `text` before its SYN left. */
function opening(text: string | Uint8Array, options: ScriptOptions = {}): ScriptedPeer {
  const peer = new ScriptedPeer({ ...options, profile: { synData: true, ...options.profile } });
  peer.connect().write(typeof text === 'string' ? ascii(text) : text);
  return peer;
}

describe('text on a SYN', () => {
  it('goes with the first SYN, and counts as sent once the SYN-ACK takes it (RFC 9293 §3.10.7.3)', () => {
    const peer = opening('hello');
    peer.expect({ flags: 'S', seq: 0, text: 'hello' });

    peer.inject({ flags: 'S.', seq: 0, ack: 6 });

    peer.expect({ flags: '.', seq: 6, ack: 1, length: 0 });
    expect(peer.connection.unacknowledgedBytes).to.equal(0);
    expect(peer.connection.tcpInfo().bytesSent).to.equal(5);
    peer.connection.write(ascii('more'));
    peer.expect({ seq: 6, text: 'more' });
  });

  it('goes again at once to a peer that acknowledges the SYN alone (RFC 9293 §3.10.7.3)', () => {
    const peer = opening('hello');
    peer.drain();

    peer.inject({ flags: 'S.', seq: 0, ack: 1 });

    peer.expect({ flags: 'P.', seq: 1, ack: 1, text: 'hello' });
    peer.inject({ seq: 1, ack: 6 });
    expect(peer.connection.unacknowledgedBytes).to.equal(0);
  });

  it('goes on where a peer that took part of it stopped (RFC 9293 §3.10.7.3)', () => {
    const peer = opening('hello');
    peer.drain();

    peer.inject({ flags: 'S.', seq: 0, ack: 4 });

    peer.expect({ seq: 4, text: 'lo' });
  });

  it('leaves a SYN that is sent again alone, in case the text kept the first from passing', () => {
    const peer = opening('hello');
    peer.drain();

    peer.pass(1_000);
    peer.expect({ flags: 'S', seq: 0, length: 0 });

    peer.inject({ flags: 'S.', seq: 0, ack: 6 });
    peer.expect({ flags: '.', seq: 6 });
  });

  it('refuses an acknowledgment of more than it sent (RFC 9293 §3.10.7.3)', () => {
    const peer = opening('hello');
    peer.drain();

    peer.inject({ flags: 'S.', seq: 0, ack: 7 });

    peer.expect({ flags: 'R', seq: 7 });
    expect(peer.connection.state).to.equal('SYN-SENT');
  });

  it('is no more than any peer takes, options taken off (RFC 9293 §3.7.1, MUST-15; RFC 6691 §2)', () => {
    const bare = opening(pattern(5_000));
    expect(bare.expect({ flags: 'S' }).length).to.equal(536 - 4);
    const rich = opening(pattern(5_000), {
      profile: { timestamps: true, sack: true, windowScale: 7, ptcpOption: true, crc32: true },
    });
    expect(rich.expect({ flags: 'S' }).length).to.equal(536 - 32);
    bare.inject({ flags: 'S.', seq: 0, ack: 533 });

    expect(bare.drain()[0]).to.include({ seq: 533, length: 536 });
  });

  it('stays behind unless asked for, and for a FIN it is too early (RFC 9293 §3.10.2)', () => {
    const off = opening('hello', { profile: { synData: false } });
    off.expect({ flags: 'S', length: 0 });
    off.inject({ flags: 'S.', seq: 0, ack: 1 });
    off.expect({ seq: 1, text: 'hello' });
  });

  it('is acknowledged in a simultaneous open too (RFC 9293 §3.5, Figure 7)', () => {
    const peer = opening('hello');
    peer.drain();

    peer.inject({ flags: 'S', seq: 0 });
    peer.expect({ flags: 'S.', seq: 0, ack: 1, length: 0 });
    peer.inject({ flags: 'S.', seq: 0, ack: 6 });

    peer.expectEvents('established');
    expect(peer.connection.unacknowledgedBytes).to.equal(0);
    peer.connection.write(ascii('!'));
    peer.expect({ seq: 6, text: '!' });
  });

  it('makes room, and says so (RFC 9293 §3.9.1)', () => {
    const peer = opening(pattern(600), { profile: { sendBufferBytes: 500, sendBufferMaxBytes: 500 } });
    expect(peer.expect({ flags: 'S' }).length).to.equal(500);

    peer.inject({ flags: 'S.', seq: 0, ack: 501 });

    peer.expectEvents('established', 'writable');
  });

  /** Opens with `size` bytes and the FIN, through loss. Returns what the server's user got. */
  function upload(size: number, server: ProfileOptions, loss: string): Uint8Array {
    const content = pattern(size);
    const endpoints = [
      new PtcpEndpoint({ entropy: new Prng('client'), profile: { synData: true } }),
      new PtcpEndpoint({ entropy: new Prng('server'), profile: server }),
    ];
    const parts: Uint8Array[] = [];
    const network = new EndpointNetwork(endpoints, {
      link: { latencyMs: 10, loss },
      onEvent: (event, side) => {
        if (event.type === 'established' && side === 0) event.connection.shutdown();
        if (event.type === 'readable') parts.push(event.connection.read(100_000));
        if (event.type === 'peerClosed' && side === 1) event.connection.shutdown();
      },
    });
    endpoints[1]!.listen(49_153);
    endpoints[0]!.connect(1, 49_153).write(content);
    network.runUntil(300_000);
    for (const endpoint of endpoints) expect(endpoint.connectionCount).to.equal(0);
    return Buffer.concat(parts);
  }

  it('arrives whole and once, held or dropped by the listener, CRC and all, with losses (RFC 9293 §3.10.7.2)', () => {
    for (const server of [
      {},
      { synCookies: 'always' },
      { receiveBufferBytes: 100 },
      { crc32: false },
    ] as const) {
      for (const loss of ['0', '10', '01', '100', '0100', '0010']) {
        for (const size of [10, 500, 3_000]) {
          const got = upload(size, server, `${loss}000000000000`);

          expect(Buffer.compare(got, pattern(size)), `${JSON.stringify(server)} ${loss} ${size}`).to.equal(0);
        }
      }
    }
  });
});
