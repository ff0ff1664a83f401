import { UsageError } from '../../lib/errors.ts';
import { type Command, requireCommand } from './command.ts';
import { refuseName } from './declared-errors.ts';
import {
  type CommandLocator,
  type RespondBoxFunction,
  type Responder,
  type RespondFunction,
  respondTo,
  respondToBox,
} from './responder.ts';
import { decoratedMethods } from './responder-decorator.ts';

/** Responders by the names of their commands. The last one that was given for a name answers. */
export class LocatorTable implements CommandLocator {
  readonly #responders = new Map<string, Responder>();

  /** Has `respond` answer the calls of `command`. */
  respond<C extends Command>(command: C, respond: RespondFunction<C>): this {
    requireCommand(command);
    requireFunction(respond);
    this.#responders.set(command.name, respondTo(command, respond));
    return this;
  }

  /** Has `respond` answer the calls of that name, box for box. */
  respondBox(name: string, respond: RespondBoxFunction): this {
    refuseName(name, 'the name of a command');
    requireFunction(respond);
    this.#responders.set(name, respondToBox(respond));
    return this;
  }

  locateResponder(name: string): Responder | undefined {
    return this.#responders.get(name);
  }
}

/** The methods of `object` that are marked with `@responder`. */
export function locatorOf(object: object): CommandLocator {
  const responders = new Map<string, Responder>();
  return {
    locateResponder: (name) => {
      const known = responders.get(name);
      if (known !== undefined) return known;
      const marked = decoratedMethods(object).get(name);
      if (marked === undefined) return undefined;
      // Asked for at each call, so that what overrides the method is what answers.
      const methods = object as Record<PropertyKey, (values: unknown, call: unknown) => unknown>;
      const responder: Responder = {
        command: marked.command,
        respond: (values, call) => methods[marked.method]?.(values, call),
      };
      responders.set(name, responder);
      return responder;
    },
  };
}

/** Asks one locator after the other. */
export function firstLocator(...locators: readonly CommandLocator[]): CommandLocator {
  return {
    locateResponder: (name) => {
      for (const locator of locators) {
        const responder = locator.locateResponder(name);
        if (responder !== undefined) return responder;
      }
      return undefined;
    },
  };
}

function requireFunction(respond: unknown): void {
  if (typeof respond !== 'function') throw new UsageError('a responder is a function');
}
