import { AppError } from '../../../kernel/errors.ts';

/** Loads a package that an installation may lack; RUNTIME_MISSING says which. */
export async function importOptional<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    throw packageMissing(name, error);
  }
}

/** What a package that cannot be found means for a model; other failures of loading it are passed on. */
export function packageMissing(name: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return error;
  return new AppError(
    'RUNTIME_MISSING',
    `Models of this kind need a package that is not installed: npm install ${name}`,
    { cause: error },
  );
}
