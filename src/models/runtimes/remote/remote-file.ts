import { z } from 'zod';
import { AppError, type FieldProblem, messageOf, summaryOf } from '../../../kernel/errors.ts';
import { REMOTE_FILE } from '../../registry/artifacts/recognise.ts';

/** A model of another server that speaks the Open Inference Protocol. */
export interface RemotePlace {
  /** Where the server is: everything before `/v2`, without a slash at the end. */
  readonly url: string;
  readonly model: string;
  /** Null for the version that the server chooses. */
  readonly version: string | null;
}

/** An artifact that names a model of another server, and what to register it as. */
export interface RemoteArtifact {
  readonly name: string;
  readonly file: string;
  readonly content: Uint8Array;
}

const PATH = /^(.*?)\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?\/?$/;

const segment = z
  .string()
  .min(1)
  .max(256)
  .refine((text) => !text.includes('/') && text !== '.' && text !== '..', 'is no part of a path');

const placeSchema = z.strictObject({
  url: z
    .string()
    .max(2_000)
    .superRefine((text, context) => {
      const fault = faultOfUrl(text);
      if (fault !== null) context.addIssue({ code: 'custom', message: fault });
    })
    .transform((text) => text.replace(/\/+$/, '')),
  model: segment,
  version: segment.nullable().default(null),
});

/** Reads `remote.json`; MODEL_UNREADABLE names everything that is wrong with it. */
export function parseRemote(content: Uint8Array): RemotePlace {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content));
  } catch (error) {
    throw new AppError('MODEL_UNREADABLE', `${REMOTE_FILE} is not valid JSON: ${messageOf(error)}`);
  }
  const read = placeSchema.safeParse(value);
  if (read.success) return read.data;
  const problems = read.error.issues.map(
    ({ path, message }): FieldProblem => ({
      path: path.join('.'),
      message,
    }),
  );
  throw new AppError('MODEL_UNREADABLE', `${REMOTE_FILE}: ${summaryOf(problems, 'it')}`, { problems });
}

/**
 * The artifact that a location such as `https://host:8080/v2/models/iris/versions/3` stands for. ARGUMENT_INVALID where
 * it names no model.
 */
export function remoteArtifactOf(location: string): RemoteArtifact {
  const fault = faultOfUrl(location);
  const { origin, pathname } = fault === null ? new URL(location) : { origin: '', pathname: '' };
  const [whole, prefix = '', model = '', version] = PATH.exec(pathname) ?? [];
  if (fault !== null || whole === undefined) {
    throw new AppError(
      'ARGUMENT_INVALID',
      `"${location.slice(0, 200)}" ${fault ?? 'names no model'}: write http://host:8080/v2/models/<name>, or …/versions/<version> after it`,
    );
  }
  const place: RemotePlace = {
    url: `${origin}${prefix}`,
    model: decoded(model),
    version: version === undefined ? null : decoded(version),
  };
  const content = Buffer.from(`${JSON.stringify(place, null, 2)}\n`);
  parseRemote(content);
  return { name: place.model, file: REMOTE_FILE, content };
}

/** Path of the model on the server, as `GET` describes it. */
export function pathOf({ url, model, version }: RemotePlace): string {
  const base = new URL(url).pathname.replace(/\/$/, '');
  const versioned = version === null ? '' : `/versions/${encodeURIComponent(version)}`;
  return `${base}/v2/models/${encodeURIComponent(model)}${versioned}`;
}

/** The place as people read it. */
export function textOf(place: RemotePlace): string {
  return `${new URL(place.url).origin}${pathOf(place)}`;
}

function faultOfUrl(text: string): string | null {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return 'is no URL';
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'is no http or https URL';
  if (url.username !== '' || url.password !== '')
    return 'holds a password, which belongs in remote.headers of the configuration';
  return url.search === '' && url.hash === '' ? null : 'has a query or a fragment';
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new AppError('ARGUMENT_INVALID', `"${part.slice(0, 200)}" is not a valid part of a URL`);
  }
}
