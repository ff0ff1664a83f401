// gRPC at its best for these calls: one channel that stays open, no TLS, int32 and bytes, callbacks.
import {
  type Client,
  type ClientUnaryCall,
  credentials,
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceClientConstructor,
  type ServiceError,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ADDENDS, type Caller, ECHO_BYTES, TOTAL } from './cases.ts';

interface Addends {
  readonly a: number;
  readonly b: number;
}

interface Total {
  readonly total: number;
}

interface Value {
  readonly value: Uint8Array;
}

type Unary<A, R> = (
  argument: A,
  answered: (error: ServiceError | null, answer?: R) => void,
) => ClientUnaryCall;

interface SumsClient extends Client {
  readonly sum: Unary<Addends, Total>;
  readonly echo: Unary<Value, Value>;
}

function sumsClass(protoPath: string): ServiceClientConstructor {
  const loaded = loadPackageDefinition(loadSync(protoPath)) as unknown as {
    readonly bench: { readonly Sums: ServiceClientConstructor };
  };
  return loaded.bench.Sums;
}

/** Listens on a free port of 127.0.0.1, which it gives. */
export function serveGrpc(protoPath: string): Promise<number> {
  const server = new Server();
  server.addService(sumsClass(protoPath).service, {
    sum: ({ request }: ServerUnaryCall<Addends, Total>, answer: sendUnaryData<Total>) =>
      answer(null, { total: request.a + request.b }),
    echo: ({ request }: ServerUnaryCall<Value, Value>, answer: sendUnaryData<Value>) => answer(null, request),
  });
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

/** One channel, connected. */
export async function callGrpc(protoPath: string, port: number): Promise<Caller> {
  const Sums = sumsClass(protoPath);
  const client = new Sums(`127.0.0.1:${port}`, credentials.createInsecure()) as unknown as SumsClient;
  await new Promise<void>((resolve, reject) => {
    client.waitForReady(Date.now() + 10_000, (error) => (error === undefined ? resolve() : reject(error)));
  });
  const value = { value: new Uint8Array(ECHO_BYTES) };
  return {
    sum: (done) => {
      client.sum(ADDENDS, (error, answer) => {
        if (answer?.total !== TOTAL) throw error ?? new Error('a wrong sum');
        done();
      });
    },
    echo: (done) => {
      client.echo(value, (error, answer) => {
        if (answer?.value.length !== ECHO_BYTES) throw error ?? new Error('a wrong echo');
        done();
      });
    },
    note: undefined,
    noteCount: () => {},
  };
}
