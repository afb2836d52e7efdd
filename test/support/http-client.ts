import { createRequire } from 'node:module';

/** One answer as a client sees it; `json` is null when the body is none. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Record<string, never> & { [name: string]: unknown };
}

/** Sends one request, and checks the answer against the OpenAPI document that the server itself gives. */
export class HttpClient {
  readonly #url: string;
  readonly #headers: Record<string, string>;
  #check: ((method: string, path: string, reply: Reply) => string | null) | null = null;

  constructor(url: string, headers: Record<string, string> = {}) {
    this.#url = url;
    this.#headers = headers;
  }

  async learnDocument(): Promise<Record<string, never>> {
    const { json } = await this.get('/openapi.json');
    this.#check = compileDocument(json);
    return json;
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Reply> {
    return this.send('GET', path, undefined, headers);
  }

  /** A body that is no string is sent as JSON. */
  post(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    return this.send(
      'POST',
      path,
      typeof body === 'string' || body === undefined ? body : JSON.stringify(body),
      {
        ...type,
        ...headers,
      },
    );
  }

  async send(
    method: string,
    path: string,
    body?: string,
    headers: Record<string, string> = {},
  ): Promise<Reply> {
    const response = await fetch(`${this.#url}${path}`, {
      method,
      headers: { ...this.#headers, ...headers },
      ...(body !== undefined && { body }),
      signal: AbortSignal.timeout(5_000),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    const reply: Reply = {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson && text !== '' ? JSON.parse(text) : null,
    };
    const fault = this.#check?.(method.toLowerCase(), path.split('?')[0] ?? '/', reply) ?? null;
    if (fault !== null) throw new Error(`${method} ${path} ${reply.status}: ${fault}\n${text}`);
    return reply;
  }
}

type Json = { readonly [name: string]: Json } & object;
interface Validator {
  (value: unknown): boolean;
  errors?: readonly { instancePath: string; message?: string }[] | null;
}

/** Answers what is wrong with a reply, by the document; null when it is as the document says. */
function compileDocument(document: object): (method: string, path: string, reply: Reply) => string | null {
  const ours = createRequire(import.meta.url);
  const { default: Ajv } = createRequire(ours.resolve('fastify'))('ajv/dist/2020') as {
    default: new (
      options: object,
    ) => { addSchema(schema: object, id: string): void; compile(schema: object): Validator };
  };
  const ajv = new Ajv({ strict: false, validateFormats: false, validateSchema: false });
  ajv.addSchema(document, 'openapi');
  const paths = (document as Json)['paths'] as Json;
  const compiled = new Map<string, Validator>();
  return (method, path, reply) => {
    const template =
      paths[path] !== undefined ? path : Object.keys(paths).find((name) => matches(name, path));
    const operation = template === undefined ? undefined : paths[template]?.[method];
    if (template === undefined || operation === undefined)
      return reply.status < 400 ? 'the document has no such operation' : null;
    const responses = operation['responses'] as Json;
    const status = responses[reply.status] === undefined ? 'default' : String(reply.status);
    const content = responses[status]?.['content'];
    if (content === undefined) return null;
    const type = (reply.headers.get('content-type') ?? '').split(';')[0] ?? '';
    if (content[type] === undefined) return `the document has no ${type} for ${status}`;
    const pointer = ['paths', template, method, 'responses', status, 'content', type, 'schema']
      .map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')))
      .join('/');
    let validate = compiled.get(pointer);
    if (validate === undefined) {
      validate = ajv.compile({ $ref: `openapi#/${pointer}` });
      compiled.set(pointer, validate);
    }
    if (type.includes('json') && !validate(reply.json))
      return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`).join('; ');
    return null;
  };
}

function matches(template: string, path: string): boolean {
  const pattern = template.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{[^}]+\}/g, '[^/]+');
  return new RegExp(`^${pattern}$`).test(path);
}
