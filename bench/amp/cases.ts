/** What a contestant's client can do over its one connection. Each calls `done` when the answer is there. */
export interface Caller {
  /** Adds ADDENDS, and throws where that is not TOTAL. */
  sum(done: () => void): void;
  /** Has 32 KiB sent back. */
  echo(done: () => void): void;
  /** A call without an answer; undefined where there is no such thing. */
  readonly note: (() => void) | undefined;
  /** Asks how many notes came: answered after all of them. */
  noteCount(done: () => void): void;
}

/** The names of the cases: in results, and of what bench_amp.py prints. */
export const CASES = {
  sequential: 'sequential Sum',
  outstanding50: 'pipelined Sum x50',
  outstanding500: 'pipelined Sum x500',
  echo32KiB: 'pipelined 32KiB echo x16',
  noAnswer: 'no-answer Note x20000',
} as const;

export type CaseName = keyof typeof CASES;

export const ADDENDS = { a: 13, b: 81 } as const;
export const TOTAL = 94;
/** What is sent back by `echo`. */
export const ECHO_BYTES = 32_768;
/** After so many notes their count is asked for, as bench_amp.py does. */
const NOTE_COUNT = 20_000;

/** Runs a case for `seconds` and gives the calls a second; undefined where the contestant has no such calls. */
export function measureCase(name: CaseName, caller: Caller, seconds: number): Promise<number> | undefined {
  switch (name) {
    case 'sequential':
      return keepOutstanding((done) => caller.sum(done), 1, seconds);
    case 'outstanding50':
      return keepOutstanding((done) => caller.sum(done), 50, seconds);
    case 'outstanding500':
      return keepOutstanding((done) => caller.sum(done), 500, seconds);
    case 'echo32KiB':
      return keepOutstanding((done) => caller.echo(done), 16, seconds);
    case 'noAnswer':
      return caller.note && sendNotes(caller.note, caller, seconds);
  }
}

/** Keeps `width` calls outstanding, as `window` of bench_amp.py does: each answer makes the next call. */
function keepOutstanding(call: (done: () => void) => void, width: number, seconds: number): Promise<number> {
  return new Promise((resolve) => {
    const startedAt = performance.now();
    const endAt = startedAt + seconds * 1000;
    let calls = 0;
    let outstanding = width;
    const answered = (): void => {
      calls += 1;
      const now = performance.now();
      if (now < endAt) {
        call(answered);
        return;
      }
      outstanding -= 1;
      if (outstanding === 0) resolve((calls / (now - startedAt)) * 1000);
    };
    for (let index = 0; index < width; index += 1) call(answered);
  });
}

/** All notes of a batch in one go, and the next batch once they have been counted. */
function sendNotes(note: () => void, caller: Caller, seconds: number): Promise<number> {
  return new Promise((resolve) => {
    const startedAt = performance.now();
    const endAt = startedAt + seconds * 1000;
    let calls = 0;
    const batch = (): void => {
      for (let index = 0; index < NOTE_COUNT; index += 1) note();
      caller.noteCount(() => {
        calls += NOTE_COUNT;
        const now = performance.now();
        if (now < endAt) batch();
        else resolve((calls / (now - startedAt)) * 1000);
      });
    };
    batch();
  });
}
