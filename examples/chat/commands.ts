// What the two ends of the chat say to each other. Each command is one value, from which both ends know its types.
import { defineCommand, listOf, safeInteger, unicode } from 'hawser/protocols/amp';

/** The characters of the longest line that is taken. */
export const MAX_LINE_LENGTH = 1_000;

/** The line is too long, or there is nothing in it. */
export class UnfitLine extends Error {}

/** Client to server: says a line to everybody else in the room. */
export const Say = defineCommand({
  name: 'say',
  arguments: { text: unicode },
  errors: { UNFIT_LINE: UnfitLine },
});

/** Client to server: who is in the room. */
export const Who = defineCommand({ name: 'who', response: { names: listOf(unicode) } });

/** Server to client: somebody said a line. Nobody waits for an answer, so a slow reader holds nobody up. */
export const Said = defineCommand({
  name: 'said',
  arguments: { name: unicode, text: unicode },
  requiresAnswer: false,
});

/** Server to client: somebody came in. */
export const Came = defineCommand({ name: 'came', arguments: { name: unicode }, requiresAnswer: false });

/** Server to client: somebody left. */
export const Left = defineCommand({ name: 'left', arguments: { name: unicode }, requiresAnswer: false });

/** Server to client: so much was not told, because this client did not keep up. */
export const Missed = defineCommand({
  name: 'missed',
  arguments: { count: safeInteger },
  requiresAnswer: false,
});

/** Server to client: are you there? This one is answered; NATs on the way do not forget the connection either. */
export const Ping = defineCommand({ name: 'ping' });
