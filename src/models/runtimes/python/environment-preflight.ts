import { z } from 'zod';
import { AppError } from '../../../kernel/errors.ts';
import { type PythonProgram, runProgram } from './environment-process.ts';

const packageSchema = z.object({
  package: z.string(),
  wanted: z.string().nullable(),
  found: z.string().nullable(),
});
const reportSchema = z.object({
  python: z.string(),
  wanted_python: z.string().nullable(),
  missing: z.array(packageSchema),
  different: z.array(packageSchema),
  unchecked: z.array(z.string()),
  problem: z.string().nullable(),
});
type PackageFact = z.infer<typeof packageSchema>;

/**
 * Holds what a model asks for against what an interpreter has, before any of the model's files is loaded. Gives what is
 * of another version, a line each; ENVIRONMENT_INCOMPLETE names every package that is missing.
 */
export async function preflight(program: PythonProgram, directory: string): Promise<readonly string[]> {
  const lines: string[] = [];
  const end = await runProgram(program, ['slipway_worker.preflight', directory], (line) => lines.push(line));
  const report = reportSchema.safeParse(parsed(lines.at(-1)));
  if (!report.success) {
    const said = end.timedOut ? `no answer in ${program.timeoutMs} ms` : end.errors.trim().slice(-1_000);
    throw incomplete(`"${program.python}" could not look at the requirements of the model: ${said}`);
  }
  const { python, wanted_python, missing, different, unchecked, problem } = report.data;
  if (problem !== null) throw incomplete(problem);
  if (missing.length > 0) {
    const all = [...missing, ...different].map(describe).join(', ');
    throw incomplete(
      `The model asks for packages that ${program.python} (Python ${python}) does not have: ${all}; install them there, or set python.environment: model`,
    );
  }
  return [
    ...(wanted_python === null
      ? []
      : [`The model was saved with Python ${wanted_python}, and runs with ${python}`]),
    ...different.map((fact) => `The model asks for ${describe(fact)}`),
    ...unchecked.map((line) => `The requirement "${line}" has no version to compare`),
  ];
}

function describe({ package: name, wanted, found }: PackageFact): string {
  const exact = wanted === null ? name : `${name}${wanted}`;
  return found === null ? `${exact} (not installed)` : `${exact} (${found} is installed)`;
}

function parsed(line: string | undefined): unknown {
  try {
    return JSON.parse(line ?? '');
  } catch {
    return null;
  }
}

function incomplete(message: string): AppError {
  return new AppError('ENVIRONMENT_INCOMPLETE', message);
}
