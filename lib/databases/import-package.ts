import { isError, MissingPackage } from '../errors.ts';

/** Loads an optional package. Fails with MissingPackage, which says how to install it, where it is not installed. */
export async function importPackage<T>(
  name: string,
  purpose: string,
  load: () => PromiseLike<T>,
): Promise<T> {
  try {
    return await load();
  } catch (error) {
    // Another package that is missing is the fault of this one, and its own message says more.
    if (!isError(error) || !isMissing(error) || !error.message.includes(`'${name}'`)) throw error;
    throw new MissingPackage(`${purpose} takes the package ${name}: run npm install ${name}`, {
      cause: error,
    });
  }
}

function isMissing(error: Error): boolean {
  return 'code' in error && (error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND');
}
