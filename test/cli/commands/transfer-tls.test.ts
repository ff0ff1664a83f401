import { expect } from 'chai';
import { Factory } from '../../../lib/protocol/factory.ts';
import { Protocol } from '../../../lib/protocol/protocol.ts';
import { nodeTls } from '../../../lib/reactor/node/tls.ts';
import { MemoryReactor } from '../../../lib/testing/memory-reactor.ts';
import { type TestCertificate, type TestCertificates, testCertificates } from '../../support/certificates.ts';
import { CommandWorld, isOver, RECEIVER, type Running } from '../../support/command-world.ts';
import { holds, pattern } from '../../support/transfer.ts';

const MIB = 1 << 20;

describe('hawser send and hawser receive over TLS', function () {
  // Real keys and real handshakes, in virtual time only as far as the network goes.
  this.timeout(8_000);
  let certificates: TestCertificates;
  let world: CommandWorld;

  before(async () => {
    certificates = await testCertificates();
  });

  beforeEach(() => {
    world = new CommandWorld({ tls: nodeTls });
    world.source.put('a.bin', pattern(MIB));
  });

  afterEach(async () => {
    for (const one of world.running) if (!isOver(one)) one.reactor.stop();
    await world.close();
  });

  /** Puts certificate and key onto the receiver's disk. */
  function onTarget(name: string, { certificate, key }: TestCertificate): string {
    world.target.put(`${name}.pem`, new TextEncoder().encode(certificate));
    world.target.put(`${name}.key`, new TextEncoder().encode(key));
    return `certificate=${name}.pem:key=${name}.key`;
  }

  /** The same for the sender. */
  function onSource(name: string, { certificate, key }: TestCertificate): string {
    world.source.put(`${name}.pem`, new TextEncoder().encode(certificate));
    world.source.put(`${name}.key`, new TextEncoder().encode(key));
    return `certificate=${name}.pem:key=${name}.key`;
  }

  /** Sends a.bin, and lets time pass until that is over. */
  async function sent(endpoint: string, ...options: string[]): Promise<Running> {
    const sender = await world.send(...options, 'a.bin', endpoint);
    await world.pass(45_000, () => isOver(sender));
    expect(isOver(sender), 'the sender has ended').to.equal(true);
    return sender;
  }

  function expectNothingArrived(): void {
    expect(world.target.list('in')).to.deep.equal([]);
  }

  for (const word of ['tls', 'ptcp+tls']) {
    it(`bring a file over ${word}: to the line that a receiver without a certificate prints`, async () => {
      const receiver = await world.receive('--once', `${word}:4915`);
      const [listening, pin, sendWith] = receiver.context.messages.lines;
      const [, endpoint = ''] = /^send with: hawser send FILE (\S+)$/.exec(sendWith ?? '') ?? [];

      const sender = await sent(endpoint);
      await world.pass(8_000, () => isOver(receiver));

      expect(listening).to.equal(`listening on ${word}:${RECEIVER}:4915, receiving into in`);
      expect(pin).to.match(/^the certificate of this run has the pin [0-9a-f]{64}$/);
      expect([sender.status, receiver.status]).to.deep.equal([0, 0]);
      expect(holds(world.target, 'in/a.bin', pattern(MIB))).to.equal(true);
      expect(sender.context.messages.text).to.equal('');
    });

    it(`send nothing over ${word} without a pin, and say how to pin what is there`, async () => {
      const receiver = await world.receive('--json', `${word}:4915`);
      const { pin } = receiver.context.output.events[0] as { pin: string };
      const endpoint = `${word}:${RECEIVER}:4915`;

      const sender = await sent(endpoint);

      expect(sender.failure?.status).to.equal(3);
      expect(sender.failure?.message).to.equal(
        `${endpoint}: nobody trusted here vouches for the certificate there, so nothing was sent; ` +
          `if the receiver prints the pin ${pin}, send to ${endpoint}:pin=${pin}`,
      );
      expectNothingArrived();
    });

    it(`send nothing over ${word} with a wrong pin, and warn`, async () => {
      const receiver = await world.receive('--json', `${word}:4915`);
      const { pin } = receiver.context.output.events[0] as { pin: string };
      const endpoint = `${word}:${RECEIVER}:4915:pin=${'0'.repeat(64)}`;

      const sender = await sent(endpoint);

      expect(sender.failure?.status).to.equal(3);
      expect(sender.failure?.message).to.match(
        new RegExp(
          `^WARNING: .* another certificate than the pinned one \\(its pin is ${pin}\\): somebody may be`,
        ),
      );
      expectNothingArrived();
    });
  }

  it('show the certificate of their files, whose pin stays', async () => {
    const receiver = await world.receive(
      '--once',
      '--json',
      `ptcp+tls:4915:${onTarget('s', certificates.server)}`,
    );
    const [listening] = receiver.context.output.events;
    const { fingerprint } = certificates.server;

    const sender = await sent(String(listening?.['sendTo']));

    expect(listening).to.include({ fingerprint, pin: fingerprint.replaceAll(':', '').toLowerCase() });
    expect(sender.status).to.equal(0);
  });

  it('need no pin where an authority vouches for the certificate and it is for the host', async () => {
    world.source.put('ca.pem', new TextEncoder().encode(certificates.ca.certificate));
    await world.receive('--once', `tls:4915:${onTarget('s', certificates.server)}`);

    const sender = await sent(`tls:${RECEIVER}:4915:ca=ca.pem`);

    expect(sender.status).to.equal(0);
  });

  it('say that a certificate is for other names, and take it by serverName', async () => {
    world.source.put('ca.pem', new TextEncoder().encode(certificates.ca.certificate));
    await world.receive('--once', `tls:4915:${onTarget('s', certificates.wrongHost)}`);

    const refused = await sent(`tls:${RECEIVER}:4915:ca=ca.pem`);
    const taken = await sent(`tls:${RECEIVER}:4915:ca=ca.pem:serverName=other.example`);

    expect(refused.failure?.message).to.match(/: the certificate there is for other names; check the host/);
    expect(taken.status).to.equal(0);
  });

  it('say that a certificate has ended', async () => {
    world.source.put('ca.pem', new TextEncoder().encode(certificates.ca.certificate));
    await world.receive(`tls:4915:${onTarget('s', certificates.expired)}`);

    const sender = await sent(`tls:${RECEIVER}:4915:ca=ca.pem`);

    expect(sender.failure?.message).to.match(/: the certificate there has ended; it needs a new one/);
    expectNothingArrived();
  });

  for (const word of ['tls', 'ptcp+tls']) {
    it(`let over ${word} only those send whom an authority vouches for, where the receiver says so`, async () => {
      world.target.put('ca.pem', new TextEncoder().encode(certificates.ca.certificate));
      const own = onTarget('s', certificates.server);
      const receiver = await world.receive(
        '--json',
        `${word}:4915:${own}:clientCertificate=require:ca=ca.pem`,
      );
      const sendTo = String(receiver.context.output.events[0]?.['sendTo']);

      const none = await sent(sendTo);
      const rogue = await sent(`${sendTo}:${onSource('r', certificates.rogueClient)}`);
      const before = world.target.list('in');
      const known = await sent(`${sendTo}:${onSource('c', certificates.client)}`);

      for (const refused of [none, rogue]) {
        expect(refused.context.messages.text + refused.failure?.message).to.match(
          /the receiver refuses our certificate, or that we have none; write certificate=FILE:key=FILE/,
        );
        expect(refused.status ?? refused.failure?.status).to.be.oneOf([1, 3]);
      }
      expect(before).to.deep.equal([]);
      expect(known.status).to.equal(0);
    });
  }

  it('tell the receiver who was turned away in the handshake, twenty times at most', async () => {
    const receiver = await world.receive('tls:4915');
    const [, , sendWith] = receiver.context.messages.lines;

    for (let count = 0; count < 22; count += 1) await world.send('a.bin', `tcp:${RECEIVER}:4915`);
    await world.pass(45_000, () => world.running.slice(1).every(isOver));
    const sender = await sent(/FILE (\S+)$/.exec(sendWith ?? '')?.[1] ?? '');

    const lines = receiver.context.messages.lines.slice(3);
    expect(lines).to.have.length(21);
    expect(lines[0]).to.match(
      /^hawser: 10\.0\.0\.1:\d+ was turned away: it speaks no TLS; it must send to tls:/,
    );
    expect(lines[20]).to.equal('whoever else is turned away is not told of');
    expect(sender.status).to.equal(0);
  });

  it('say that nobody is verified where the endpoint asks for that', async () => {
    await world.receive('--once', 'tls:4915');

    const sender = await sent(`tls:${RECEIVER}:4915:insecure=yes`);

    expect(sender.status).to.equal(0);
    expect(sender.context.messages.lines).to.deep.equal([
      'insecure=yes: whoever answers is believed; write pin= or ca= where that matters',
    ]);
  });

  describe('where somebody listens and says nothing', () => {
    beforeEach(() => {
      const silent = new MemoryReactor({ network: world.network, address: RECEIVER });
      void silent.listenTCP(4915, Factory.forProtocol(Protocol));
      world.clock.advance(0);
    });

    it('say so when the time for the handshake is over', async () => {
      const started = world.clock.now();

      const sender = await sent(`tls:${RECEIVER}:4915:pin=${'0'.repeat(64)}:handshakeTimeoutMs=3000`);

      expect(sender.failure?.status).to.equal(3);
      expect(sender.failure?.message).to.match(
        /: the TLS handshake took too long; check that a receiver with TLS/,
      );
      expect(world.clock.now() - started).to.be.within(3_000, 3_200);
    });

    it('give the handshake up when interrupted', async () => {
      const sender = await world.send('a.bin', `tls:${RECEIVER}:4915:pin=${'0'.repeat(64)}`);

      sender.reactor.stop();
      await world.pass(1_000, () => isOver(sender));

      expect(sender.status).to.equal(130);
    });
  });

  it('say that what answers speaks no TLS', async () => {
    await world.receive('tcp:4915');

    const sender = await sent(`tls:${RECEIVER}:4915:pin=${'0'.repeat(64)}`);

    expect(sender.failure?.message).to.match(
      /what answers there speaks no TLS; start the receiver with tls:/,
    );
  });

  for (const [what, files, complaint] of [
    ['a file is missing', 'certificate=none.pem', /none\.pem cannot be read: there is no such file$/],
    ['a key is of another certificate', 'certificate=s.pem:key=o.key', /key/],
    ['a certificate is none', 'certificate=bad.pem:key=s.key', /certificate/],
  ] as const) {
    it(`listen nowhere where ${what}, with status 2`, async () => {
      onTarget('s', certificates.server);
      onTarget('o', certificates.otherServer);
      const bad = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
      world.target.put('bad.pem', new TextEncoder().encode(bad));

      const receiver = await world.receive(`ptcp+tls:4915:${files}`);

      expect(receiver.failure?.status).to.equal(2);
      expect(receiver.failure?.message).to.match(/^ptcp\+tls:4915:\S+: /);
      expect(receiver.failure?.message).to.match(complaint);
    });
  }
});
