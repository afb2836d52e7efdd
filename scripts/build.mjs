import { chmod, copyFile, mkdir, readFile, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/**
 * Bundles the server, the command line and the storage thread into dist/. Only packages with binaries stay outside
 * (docs/adr/0002): an installation holds little beside the ONNX runtime, and starts without a thousand small reads.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const { version, dependencies } = JSON.parse(await readFile(`${root}/package.json`, 'utf8'));
const SWAGGER_UI = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'];

await rm(`${root}/dist`, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: ['src/bin.ts', 'src/composition/storage-thread.ts'],
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
  external: [...Object.keys(dependencies), 'pg-native'],
  define: { SLIPWAY_VERSION: JSON.stringify(version) },
  banner: {
    js: "import { createRequire as slipwayRequire } from 'node:module'; const require = slipwayRequire(import.meta.url);",
  },
});
await mkdir(`${root}/dist/docs-assets`, { recursive: true });
for (const name of SWAGGER_UI)
  await copyFile(`${root}/node_modules/swagger-ui-dist/${name}`, `${root}/dist/docs-assets/${name}`);
await chmod(`${root}/dist/bin.js`, 0o755);
