import { expect } from 'chai';
import type { StreamPort } from '../../lib/index.ts';
import type { ListenOptionsOf, PortOf } from '../../lib/reactor/reactor.ts';

declare module '../../lib/index.ts' {
  interface TransportOptions {
    pigeon: { listen: { readonly loft: string }; connect: object; port: StreamPort };
  }
}

describe('TransportOptions', () => {
  it('types the options of a kind of transport that merged its own in', () => {
    // Compiled, not run: these hold if the merged declaration is seen through the public surface.
    const options: ListenOptionsOf<'pigeon'> = { loft: 'north' };
    const listening = (port: PortOf<'pigeon'>) => port.listening.addCallback((bound) => bound.getHost());
    const unknown: ListenOptionsOf<'unheard-of'> = { anything: true };

    expect([options.loft, typeof listening, typeof unknown]).to.deep.equal(['north', 'function', 'object']);
  });
});
