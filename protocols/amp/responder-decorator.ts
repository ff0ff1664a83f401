import { UsageError } from '../../lib/errors.ts';
import { type Command, requireCommand } from './command.ts';
import type { RespondFunction } from './responder.ts';

/** A method that answers the calls of a command. */
export interface DecoratedMethod {
  readonly command: Command;
  readonly method: PropertyKey;
}

const NO_METHODS: ReadonlyMap<string, DecoratedMethod> = new Map();
/** By class. Instances of one class run the same initializers in the same order, so one table serves all of them. */
const METHODS_BY_CLASS = new WeakMap<object, Map<string, DecoratedMethod>>();

/**
 * Marks a method as the responder of `command`: `@responder(Sum) sum({ a, b }: ArgumentsOf<typeof Sum>) {…}`.
 *
 * It is inherited; a subclass that overrides the method need not mark it again. Of several methods for one command the
 * one that was marked last answers, those of subclasses after those of their parents.
 */
export function responder<C extends Command>(
  command: C,
): (method: RespondFunction<C>, context: ClassMethodDecoratorContext) => void {
  requireCommand(command);
  return (_method, context) => {
    if (context.static || context.private) {
      throw new UsageError(`the responder of '${command.name}' is neither a static method nor a private one`);
    }
    const marked = { command, method: context.name };
    context.addInitializer(function (this: unknown) {
      methodsOf(this as object).set(command.name, marked);
    });
  };
}

/**
 * The marked methods of `object`, by the names of their commands.
 *
 * @internal
 */
export function decoratedMethods(object: object): ReadonlyMap<string, DecoratedMethod> {
  return METHODS_BY_CLASS.get(Object.getPrototypeOf(object)) ?? NO_METHODS;
}

function methodsOf(object: object): Map<string, DecoratedMethod> {
  let methods = METHODS_BY_CLASS.get(Object.getPrototypeOf(object));
  if (methods === undefined) {
    methods = new Map();
    METHODS_BY_CLASS.set(Object.getPrototypeOf(object), methods);
  }
  return methods;
}
