import type { Deferred } from '../../lib/defer/deferred.ts';
import type { ReceivedBox } from './box.ts';
import type { BoxView } from './box-view.ts';
import type { BoxWriter } from './box-writer.ts';

/** Where boxes go: a connection, or a route of one. Modelled on Twisted's IBoxSender. */
export interface BoxSender {
  /** Sends a box. NoEmptyBoxes, TooLong or UsageError for what is none; then nothing was sent. */
  sendBox(box: ReceivedBox): void;
  /** Ends the connection, after all that was sent. */
  loseConnection(): void;
  /** Whether more may be sent without piling up. */
  readonly isWritable: boolean;
  /** Fires once more may be sent; at once where that is so now. Fails with the reason when the connection is lost. */
  whenWritable(): Deferred<void>;
}

/** What is made of the boxes that come. Modelled on Twisted's IBoxReceiver. */
export interface BoxReceiver {
  /** Boxes may be sent, and will come. Called before connectionMade. */
  startReceivingBoxes(sender: BoxSender): void;
  /** A box came. A ProtocolViolation that is thrown ends the connection with it. */
  boxReceived(box: ReceivedBox): void;
  /** Nothing comes any more, and nothing can be sent. */
  stopReceivingBoxes(reason: Error): void;
}

/** A sender that can stop the peer. */
export interface PacingSender extends BoxSender {
  /** Whether reading should go on may have changed: the receiver's `isAwaitingAnswers` or `owesTooMuch`. */
  loadChanged(): void;
}

/** A sender that may take boxes whose values are longer than a box can hold. */
export interface LargeBoxSender extends BoxSender {
  /** Fires when the last of it is on its way; fails with TooLong. Undefined where such boxes are not taken. */
  readonly sendLargeBox: ((box: ReceivedBox) => Deferred<void>) | undefined;
}

/** A sender into whose writer boxes can be written directly. */
export interface WriterSender extends PacingSender {
  readonly writer: BoxWriter;
  /** Boxes were written to `writer`: sends them in time. */
  boxesWritten(): void;
}

/** A receiver that reads boxes where they lie, and can have the peer stopped. */
export interface ViewReceiver extends BoxReceiver {
  /** A box came; the view is good until this returns. */
  viewReceived(view: BoxView): void;
  /** Whether answers may come. While it is so reading goes on: they might be behind calls. */
  readonly isAwaitingAnswers: boolean;
  /** Whether too many of the peer's calls wait for their answers, or too many answers for the peer. */
  readonly owesTooMuch: boolean;
  /** The connection took all that there was. */
  drained(): void;
}
