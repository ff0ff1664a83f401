import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('./kernel_peer.py', import.meta.url));

/** What happens to datagrams, both ways; as kernel_peer.py has it. */
export interface Faults {
  readonly loss?: number;
  readonly duplicate?: number;
  readonly reorder?: number;
  readonly burst?: readonly [number, number];
  readonly delay?: number;
  readonly jitter?: number;
  readonly reorderBy?: number;
  readonly rate?: number;
  readonly queue?: number;
}

/** What the program with the kernel's socket does; as App of kernel_peer.py has it. */
export interface AppOrder {
  readonly bytes: number;
  /** How much it reads before it closes; as much as it sends when left out. */
  readonly expect?: number;
  readonly close: 'kernel' | 'ptcp' | 'both' | 'reset' | 'wait-reset';
  readonly awaitEnd?: true;
  readonly urgent?: number;
}

export interface KernelOrder {
  readonly role: 'server' | 'client';
  readonly port: number;
  readonly udpPort?: number;
  readonly seed: number;
  readonly impair?: Faults;
  readonly sysctl?: Readonly<Record<string, number>>;
  readonly app: AppOrder;
}

/** What the kernel's side has seen. */
export interface KernelResult {
  readonly got: number;
  /** SHA-256 of what it received and sent. */
  readonly received: string;
  readonly sent: string;
  readonly end: 'open' | 'eof' | 'reset' | 'timeout';
  readonly options: {
    readonly timestamps: boolean;
    readonly sack: boolean;
    readonly windowScaling: boolean;
  } | null;
  readonly error?: string;
}

export interface KernelMessage {
  readonly udpPort?: number;
  readonly result?: KernelResult;
  /** What happened to the datagrams of each direction. */
  readonly outward?: Readonly<Record<string, number>>;
  readonly inward?: Readonly<Record<string, number>>;
}

/** Why there can be no kernel peer here, or undefined. */
export function whyNoKernelPeer(): string | undefined {
  if (process.platform !== 'linux') return 'this is not Linux';
  if (process.getuid?.() !== 0) return 'it takes root';
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
  } catch {
    return 'there is no /dev/net/tun';
  }
  if (spawnSync('python3', ['--version'], { stdio: 'ignore' }).status !== 0) return 'there is no python3';
  const probe = spawnSync('python3', [PROGRAM, '{"role":"server","port":1,"app":{"close":"ptcp"}}'], {
    input: '',
    encoding: 'utf8',
  });
  return probe.status === 0 ? undefined : 'a namespace with a TUN device cannot be made';
}

/** A process with a network namespace of its own, in which a program talks through the kernel's TCP. */
export class KernelPeer {
  readonly #process: ChildProcess;
  readonly #waiting: ((message: KernelMessage | Error) => void)[] = [];
  readonly #messages: (KernelMessage | Error)[] = [];
  #text = '';
  #complaints = '';

  constructor(order: KernelOrder) {
    const { udpPort: udpPeer, ...rest } = order;
    const text = JSON.stringify(udpPeer === undefined ? rest : { ...rest, udpPeer });
    this.#process = spawn('python3', [PROGRAM, text], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#process.stdout?.on('data', (chunk) => this.#read(String(chunk)));
    this.#process.stderr?.on('data', (chunk) => {
      this.#complaints += String(chunk);
    });
    this.#process.on('exit', () => this.#tell(new Error(`the kernel's side ended: ${this.#complaints}`)));
  }

  /** What it says next. */
  next(): Promise<KernelMessage> {
    return new Promise((resolve, reject) => {
      const take = (message: KernelMessage | Error): void => {
        if (message instanceof Error) reject(message);
        else resolve(message);
      };
      const message = this.#messages.shift();
      if (message === undefined) this.#waiting.push(take);
      else take(message);
    });
  }

  /** Ends it. It would end by itself if this process did. */
  stop(): void {
    this.#process.stdin?.end();
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }

  #read(chunk: string): void {
    const lines = (this.#text + chunk).split('\n');
    this.#text = lines.pop() ?? '';
    for (const line of lines) this.#tell(JSON.parse(line) as KernelMessage);
  }

  #tell(message: KernelMessage | Error): void {
    const take = this.#waiting.shift();
    if (take === undefined) this.#messages.push(message);
    else take(message);
  }
}
