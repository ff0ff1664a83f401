import { expect } from 'chai';
import { runCommandLine } from '../../lib/cli/main.ts';
import { definePlugin } from '../../lib/plugin/contract.ts';
import { commandContext } from '../support/command-context.ts';

describe('the command line', () => {
  it('shows the commands that plugins bring', async () => {
    const context = await commandContext();

    const status = await runCommandLine(['--help'], context);

    expect(status).to.equal(0);
    const [, commands = ''] = context.output.text.split('Commands:\n');
    expect(commands).to.match(/^ +certificate .*\n/);
    expect(commands).to.match(/\n +plugins .*\n +receive .*\n +send /);
  });

  it('shows the version', async () => {
    const context = await commandContext();

    const status = await runCommandLine(['--version'], context);

    expect(status).to.equal(0);
    expect(context.output.text).to.match(/^\d+\.\d+\.\d+\n$/);
  });

  for (const args of [
    ['send', '--help'],
    ['help', 'send'],
  ]) {
    it(`shows the help of a command: hawser ${args.join(' ')}`, async () => {
      const context = await commandContext();

      const status = await runCommandLine(args, context);

      expect(status).to.equal(0);
      expect(context.output.text).to.match(/^Usage: hawser send \[options\] FILE… ENDPOINT/);
      expect(context.output.text).to.contain('Exit status: 0');
    });
  }

  const mistakes: [string[], RegExp][] = [
    [['sned'], /unknown command 'sned' \(Did you mean send\?\)/],
    [['help', 'sned'], /unknown command 'sned' \(Did you mean send\?\)/],
    [['send', '--jsno', 'a', 'tcp:h:1'], /unknown option '--jsno' \(Did you mean --json\?\)/],
    [['send'], /give at least one file/],
    [['send', 'a.bin'], /give at least one file.*hawser send a\.bin ptcp:HOST:PORT/],
    [['send', 'package.json', 'tcp:h:99999'], /PORT is a whole number from 1 to 65535/],
    [['send', 'package.json', 'foo:h:1'], /known are ptcp:, ptcp\+tls:, tcp:, tls:/],
    [['send', '/nonexistent', 'tcp:h:1'], /there is no file \/nonexistent; check its path/],
    [['send', 'lib', 'tcp:h:1'], /lib is a directory; send the files in it/],
    [['send', 'package.json', './package.json', 'tcp:h:1'], /two of the files are called package\.json/],
    [['receive', '--dir', '/nonexistent'], /there is no folder \/nonexistent; make it/],
    [['receive', '--listen', 'tcp:x'], /cannot listen on tcp:x: PORT is/],
    [['receive', '--max-size', 'huge'], /Write a number of bytes/],
    [['receive', 'file'], /cannot listen on file: an endpoint looks like/],
    [['receive', 'tcp:1', 'tcp:2'], /too many arguments/],
    [['receive', 'tcp:1', '--listen', 'tcp:2'], /it listens at one place: tcp:1 or tcp:2, not both/],
  ];
  for (const [args, message] of mistakes) {
    it(`answers a mistake with one line and status 2: hawser ${args.join(' ')}`, async () => {
      const context = await commandContext();

      const status = await runCommandLine(args, context);

      expect(status).to.equal(2);
      expect(context.messages.text).to.match(message);
      expect(context.messages.lines).to.have.length(1);
      expect(context.messages.text).to.match(/^hawser: /);
      expect(context.output.text).to.equal('');
    });
  }

  it('names both files when two plugins bring one command', async () => {
    const context = await commandContext();
    context.plugins.add(context.plugins.find('command', 'send'), 'other/send.ts');

    const status = await runCommandLine(['send'], context);

    expect(status).to.equal(2);
    expect(context.messages.text).to.contain('other/send.ts');
  });

  it('shows its help, each name once, when two plugins bring one command', async () => {
    const context = await commandContext();
    context.plugins.add(context.plugins.find('command', 'send'), 'other/send.ts');

    const status = await runCommandLine(['--help'], context);

    expect(status).to.equal(0);
    expect(context.output.text.match(/^ +send /gm)).to.have.length(1);
  });

  it('tells programs why a command came to nothing, too', async () => {
    const context = await commandContext();

    const status = await runCommandLine(['send', '--json', '/nonexistent', 'tcp:h:1'], context);

    expect(status).to.equal(2);
    expect(context.output.text).to.equal(
      '{"event":"error","message":"there is no file /nonexistent; check its path"}\n',
    );
    expect(context.messages.lines).to.have.length(1);
  });

  it('shows where an unexpected error came from only with HAWSER_DEBUG=1', async () => {
    const load = async () => async (): Promise<number> => {
      throw new TypeError('x is not a function');
    };
    const plugin = definePlugin({ api: 1, kind: 'command', name: 'crash', summary: 'Crashes', load });
    const quiet = await commandContext();
    const debugging = await commandContext({ environment: { HAWSER_DEBUG: '1' } });
    quiet.plugins.add(plugin, 'crash.ts');
    debugging.plugins.add(plugin, 'crash.ts');

    const status = await runCommandLine(['crash'], quiet);
    await runCommandLine(['crash'], debugging);

    expect(status).to.equal(1);
    expect(quiet.messages.lines).to.have.length(1);
    expect(debugging.messages.text).to.contain('main.test.ts');
  });
});

describe('hawser plugins', () => {
  it('lists kind, name and summary', async () => {
    const context = await commandContext();

    const status = await runCommandLine(['plugins'], context);

    expect(status).to.equal(0);
    expect(context.output.text).to.match(
      /^endpoint +tcp +The TCP of the operating system: tcp:HOST:PORT, tcp:PORT$/m,
    );
    expect(context.messages.text).to.equal('');
  });

  it('tells of broken files, and with --all why they are', async () => {
    const context = await commandContext();
    context.plugins.addBroken('x/broken.ts', 'it is out of order');

    await runCommandLine(['plugins'], context);
    await runCommandLine(['plugins', '--all'], context);

    expect(context.messages.text).to.equal("1 file is broken: 'hawser plugins --all' says why\n");
    expect(context.output.lines.at(-1)).to.equal('broken  x/broken.ts: it is out of order');
    expect(context.output.text).to.match(/command +send .*plugins\/send\.ts\)/);
  });
});
