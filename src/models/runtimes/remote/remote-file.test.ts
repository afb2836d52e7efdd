import { describe, expect, it } from 'vitest';
import type { AppError } from '../../../kernel/errors.ts';
import { parseRemote, pathOf, remoteArtifactOf, textOf } from './remote-file.ts';

const parse = (value: unknown) => parseRemote(Buffer.from(JSON.stringify(value)));
const IRIS = { url: 'http://models:8080', model: 'iris', version: null };

describe('remote.json', () => {
  it('names a server, a model and, where it matters, a version', () => {
    expect(parse({ url: 'https://models/serving/', model: 'iris', version: '3' })).toEqual({
      url: 'https://models/serving',
      model: 'iris',
      version: '3',
    });
    expect(parse({ url: 'http://models:8080', model: 'iris' })).toEqual(IRIS);
  });

  it.each([
    [{ ...IRIS, url: 'models:8080' }, /url is no http or https URL/],
    [{ ...IRIS, url: 'nonsense' }, /url is no URL/],
    [{ ...IRIS, url: 'file:///etc/passwd' }, /url is no http or https URL/],
    [{ ...IRIS, url: 'http://me:secret@models' }, /url holds a password.*remote\.headers/],
    [{ ...IRIS, url: 'http://models?a=b' }, /url has a query/],
    [{ ...IRIS, model: '' }, /model/],
    [{ ...IRIS, model: '../admin' }, /model is no part of a path/],
    [{ ...IRIS, version: '..' }, /version is no part of a path/],
    [{ ...IRIS, version: 3 }, /version/],
    [{ ...IRIS, verison: '3' }, /verison/],
    [['iris'], /object/],
  ])('refuses %j', (value, reason) => {
    expect(() => parse(value)).toThrow(
      expect.objectContaining({ code: 'MODEL_UNREADABLE', message: expect.stringMatching(reason) }),
    );
  });

  it('names all that is wrong', () => {
    try {
      parse({ url: 'ftp://models', model: 7, extra: 1 });
      expect.unreachable();
    } catch (error) {
      expect((error as AppError).problems).toHaveLength(3);
    }
  });

  it('refuses what is no JSON, or no text', () => {
    for (const bytes of [Buffer.from('{'), Buffer.from([0xff, 0xfe])])
      expect(() => parseRemote(bytes)).toThrow(/not valid JSON/);
  });
});

describe('a location', () => {
  it.each([
    ['http://models:8080/v2/models/iris', 'iris', 'http://models:8080', null],
    ['https://models/v2/models/iris/versions/3', 'iris', 'https://models', '3'],
    ['http://gate/serving/v2/models/iris/', 'iris', 'http://gate/serving', null],
    ['http://models/v2/models/my%20model', 'my model', 'http://models', null],
  ])('%s is an artifact', (location, model, url, version) => {
    const { name, file, content } = remoteArtifactOf(location);
    expect([name, file]).toEqual([model, 'remote.json']);
    expect(parseRemote(content)).toEqual({ url, model, version });
  });

  it.each([
    'http://models:8080',
    'http://models/v1/models/iris',
    'http://models/v2/models/',
    'http://models/v2/models/iris/infer',
    'http://models/v2/models/iris?key=1',
    'http://me:secret@models/v2/models/iris',
    'http://models/v2/models/%zz',
    'nonsense',
  ])('%s is refused', (location) => {
    expect(() => remoteArtifactOf(location)).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }));
  });
});

it('is asked below its prefix, its parts as a URL has them', () => {
  const place = { url: 'http://gate/serving', model: 'my model', version: '1/2' };
  expect(pathOf(place)).toBe('/serving/v2/models/my%20model/versions/1%2F2');
  expect(textOf(IRIS)).toBe('http://models:8080/v2/models/iris');
});
