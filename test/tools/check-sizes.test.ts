import { expect } from 'chai';
import { findOversized, LIMITS } from '../../tools/check-sizes.ts';

describe('check-sizes', () => {
  const check = (text: string, path = 'lib/made-up.ts'): string[] =>
    findOversized({ path, text }).map(({ line, message }) => `${line}: ${message}`);
  const lines = (count: number): string => 'step();\n'.repeat(count);

  it('finds a file that is too long, and lets a test be longer', () => {
    const text = lines(LIMITS.fileLines + 1);

    expect(check(lines(LIMITS.fileLines))).to.deep.equal([]);
    expect(check(text)).to.deep.equal(['1: 601 lines; a file has at most 600']);
    expect(check(text, 'test/made-up.test.ts')).to.deep.equal([]);
    expect(check(lines(801), 'test/made-up.test.ts')).to.have.length(1);
  });

  it('finds functions that are too long, in every form, by name', () => {
    const body = lines(LIMITS.functionLines);
    const forms: [string, string][] = [
      [`function named() {\n${body}}`, 'named'],
      [`const arrow = () => {\n${body}};`, 'arrow'],
      [`class A { method() {\n${body}} }`, 'method'],
      [`class A { #hidden() {\n${body}} }`, '#hidden'],
      [`class A { field = () => {\n${body}}; }`, 'field'],
      [`const o = { key() {\n${body}} };`, 'key'],
      [`it('does', () => {\n${body}});`, 'it'],
    ];

    for (const [text, name] of forms) {
      expect(check(text)).to.deep.equal([`1: ${name} has 82 lines; a function has at most 80`]);
    }
  });

  it('lets a group of tests be as long as it needs', () => {
    expect(check(`describe('A', () => {\n${lines(100)}});`, 'test/a.test.ts')).to.deep.equal([]);
  });

  it('counts parameters, but not `this`', () => {
    expect(check('function f(this: A, a: 1, b: 2, c: 3, d: 4) {}')).to.deep.equal([]);
    expect(check('class A { f(a, b, c = 1, d?: 2, ...e: 3[]) {} }')).to.deep.equal([
      '1: f has 5 parameters; after 4 take an options object',
    ]);
  });

  it('measures how deep statements nest, `else if` and functions within aside', () => {
    const three = 'function f() { for (;;) { if (a) {} else if (b) {} else if (c) { while (d) {} } } }';
    const four = 'function f() { try { switch (a) { case 1: do { if (b) {} } while (c); } } finally {} }';
    const apart = 'function f() { if (a) { if (b) { g(() => { if (c) { if (d) {} } }); } } }';

    expect(check(three)).to.deep.equal([]);
    expect(check(apart)).to.deep.equal([]);
    expect(check(four)).to.deep.equal(['1: f nests 4 deep; at most 3: return early or name a part']);
  });

  it('counts public methods unless the contract of a class asks for them', () => {
    const methods = (count: number): string =>
      Array.from({ length: count }, (_, i) => `m${i}() {}`).join(' ');
    const rest = 'constructor() {} #a() {} private b() {} protected c() {} get d() { return 1; }';

    expect(check(`class Neat { ${methods(12)} ${rest} }`)).to.deep.equal([]);
    expect(check(`class Wide { ${methods(13)} }`)).to.deep.equal([
      '1: Wide has 13 public methods; a class has at most 12',
    ]);
    expect(check(`class Bound implements Transport { ${methods(20)} }`)).to.deep.equal([]);
  });

  it('reads the syntax of today', () => {
    const modern =
      'using a = open(); const b = c satisfies D; accessor: for (const [e] of f?.g ?? []) {}\n' +
      "import type { H } from './h.ts'; import i from './i.json' with { type: 'json' };\n" +
      'class J<const K> extends Z { static { l(); } #m?: N; override get o(): K { return this.#m!; } }\n' +
      'function p(q: unknown): asserts q is R {} export type { S } from "./s.ts";';

    expect(check(modern)).to.deep.equal([]);
  });
});
