import { chmod, copyFile, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/**
 * Bundles the server, the command line and the threads into dist/, and the transform engine into the Python package, and copies the Python worker. Only packages with binaries stay outside
 * (docs/adr/0002): an installation holds little beside the ONNX runtime, and starts without a thousand small reads.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const { version, dependencies, optionalDependencies } = JSON.parse(
  await readFile(`${root}/package.json`, 'utf8'),
);
const SWAGGER_UI = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'];

await rm(`${root}/dist`, { recursive: true, force: true });
const { metafile } = await build({
  metafile: true,
  absWorkingDir: root,
  entryPoints: [
    'src/bin.ts',
    'src/composition/storage-thread.ts',
    'src/composition/inference-thread.ts',
    'src/composition/sink-thread.ts',
    'src/composition/text-thread.ts',
  ],
  outdir: 'dist',
  entryNames: '[name]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'linked',
  logLevel: 'warning',
  external: [...Object.keys(dependencies), ...Object.keys(optionalDependencies), 'pg-native'],
  define: { SLIPWAY_VERSION: JSON.stringify(version) },
  banner: {
    js: "import { createRequire as slipwayRequire } from 'node:module'; const require = slipwayRequire(import.meta.url);",
  },
});
const engine = await build({
  metafile: true,
  absWorkingDir: root,
  entryPoints: ['python/engine/engine.ts'],
  outfile: 'python/src/slipway/engine.js',
  bundle: true,
  format: 'iife',
  globalName: 'slipway',
  platform: 'neutral',
  mainFields: ['module', 'main'],
  target: 'es2023',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
  banner: { js: `/* slipway ${version} */` },
});
await writeFile(`${root}/python/src/slipway/THIRD-PARTY.txt`, await thirdPartyNotices(engine.metafile, []));
await writeFile(
  `${root}/dist/THIRD-PARTY.txt`,
  await thirdPartyNotices(metafile, ['node_modules/swagger-ui-dist']),
);
await mkdir(`${root}/dist/docs-assets`, { recursive: true });
for (const name of SWAGGER_UI)
  await copyFile(`${root}/node_modules/swagger-ui-dist/${name}`, `${root}/dist/docs-assets/${name}`);
for (const name of ['slipway_worker', 'slipway_convert'])
  await cp(`${root}/python/worker/${name}`, `${root}/dist/python/${name}`, {
    recursive: true,
    filter: (source) => !source.includes('__pycache__'),
  });
await chmod(`${root}/dist/bin.js`, 0o755);

/** The licence and notice of every package whose code is in dist/, as their terms ask. */
async function thirdPartyNotices({ inputs }, more) {
  const folders = new Set(more);
  for (const input of Object.keys(inputs)) {
    const [folder] = input.match(/^.*node_modules\/(@[^/]+\/)?[^/]+/) ?? [];
    if (folder !== undefined) folders.add(folder);
  }
  const notices = [];
  for (const folder of [...folders].sort()) {
    const { name, version, license } = JSON.parse(await readFile(`${root}/${folder}/package.json`, 'utf8'));
    const files = (await readdir(`${root}/${folder}`)).filter((file) =>
      /^(licen[cs]e|notice|copying)/i.test(file),
    );
    const texts = await Promise.all(files.map((file) => readFile(`${root}/${folder}/${file}`, 'utf8')));
    notices.push(`${name} ${version} (${license})\n\n${texts.join('\n').trim()}\n`);
  }
  return notices.join(`\n${'-'.repeat(80)}\n\n`);
}
