// A transfer between our side and Vertex, both ways, and the end of it.
import { expect } from 'chai';
import type { ProfileOptions } from '../../lib/ptcp/core/config.ts';
import type { PtcpEvent } from '../../lib/ptcp/core/events.ts';
import type { LinkOptions } from '../../lib/testing/link.ts';
import { pattern } from './scripted-peer.ts';
import { VertexWorld } from './vertex-world.ts';

export interface VertexTransfer {
  readonly role: 'client' | 'server';
  /** Who closes once he has all that he expects; 'both' do so at once. */
  readonly closer: 'ours' | 'theirs' | 'both';
  /** How many bytes each side sends. */
  readonly ours: number;
  readonly theirs: number;
  readonly link?: LinkOptions;
  readonly seed?: number;
  readonly clearsOnAnyAck?: boolean;
  readonly cutBytes?: number;
  readonly profile?: ProfileOptions;
  readonly limitMs?: number;
}

/** Plays `transfer` to its end and checks the streams; what is left on either side is the caller's to judge. */
export function playVertexTransfer(transfer: VertexTransfer): VertexWorld {
  const ours = pattern(transfer.ours);
  const theirs = pattern(transfer.theirs, 77);
  let written = 0;
  const onEvent = (event: PtcpEvent, { connection, received }: VertexWorld): void => {
    if (connection === undefined) return;
    if (written < ours.length && (event.type === 'established' || event.type === 'writable'))
      written += connection.write(ours.subarray(written));
    if (event.type === 'closed') return;
    const bytes = connection.read(1_000_000);
    if (bytes.length > 0) received.push(bytes);
    const count = received.reduce((sum, piece) => sum + piece.length, 0);
    if (count === theirs.length && written === ours.length && transfer.closer !== 'theirs')
      connection.close();
  };
  const world = new VertexWorld(transfer.role, {
    ...(transfer.link === undefined ? {} : { link: transfer.link }),
    ...(transfer.cutBytes === undefined ? {} : { cutBytes: transfer.cutBytes }),
    ...(transfer.profile === undefined ? {} : { profile: transfer.profile }),
    seed: transfer.seed ?? 1,
    onEvent,
    vertex: {
      clearsOnAnyAck: transfer.clearsOnAnyAck ?? false,
      made: (connection) => {
        if (theirs.length > 0) connection.write(theirs);
        if (ours.length === 0 && transfer.closer !== 'ours') connection.loseConnection();
      },
      received: (connection) => {
        if (connection.receivedBytes === ours.length && transfer.closer !== 'ours')
          connection.loseConnection();
      },
    },
  });
  expect(world.runUntilIdle(transfer.limitMs ?? 900_000), 'all comes to rest').to.equal(true);
  expect(Buffer.compare(world.theirs.content, ours), 'what Vertex got').to.equal(0);
  expect(Buffer.compare(world.content, theirs), 'what we got').to.equal(0);
  return world;
}
