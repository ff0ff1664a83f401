import type { Sockets } from '../../interfaces/sockets.ts';
import { resolve } from './resolver.ts';
import { connectTcp, listenTcp } from './tcp-socket.ts';
import { bindUdp } from './udp-socket.ts';

/** The network of the system that the process runs on. */
export const nodeSockets: Sockets = { bindUdp, listenTcp, connectTcp, resolve };
