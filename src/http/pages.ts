import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';

interface PageSource {
  readonly version: string;
  /** The folder with Swagger UI's own files. */
  readonly assets: string;
  openApi(): object;
  endpoints(): readonly {
    readonly name: string;
    readonly state: string;
    readonly model: string | null;
    readonly version: string | null;
  }[];
}

const ASSETS: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

const START = `window.onload = () => SwaggerUIBundle({ url: '/openapi.json', dom_id: '#docs', deepLinking: true });`;

/** `/`, `/docs` and `/openapi.json`; everything is served from this process, so it works without a network. */
export function registerPages(app: FastifyInstance, source: PageSource): void {
  app.get('/openapi.json', (_request, reply) => reply.send(source.openApi()));
  app.get('/docs', (_request, reply) =>
    reply.header('content-type', 'text/html; charset=utf-8').send(DOCS_PAGE),
  );
  app.get('/docs/start.js', (_request, reply) =>
    reply.header('content-type', 'text/javascript; charset=utf-8').send(START),
  );
  for (const [name, type] of Object.entries(ASSETS)) {
    app.get(`/docs/${name}`, async (_request, reply) =>
      reply
        .header('content-type', type)
        .header('cache-control', 'max-age=3600')
        .send(await readFile(path.join(source.assets, name))),
    );
  }
  app.get('/', (request, reply) => {
    const isBrowser = request.headers.accept?.includes('text/html') === true;
    if (!isBrowser) return reply.send({ status: 'alive' });
    return reply.header('content-type', 'text/html; charset=utf-8').send(indexPage(source));
  });
}

const DOCS_PAGE = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Slipway API</title><meta name="viewport" content="width=device-width">
<link rel="icon" href="/docs/favicon-32x32.png"><link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="docs"></div><script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body></html>`;

function indexPage(source: PageSource): string {
  const rows = source
    .endpoints()
    .map(
      ({ name, state, model, version }) =>
        `<tr><td>${escapeHtml(name)}</td><td>${escapeHtml(model ?? '')}</td><td>${escapeHtml(version ?? '')}</td><td>${state}</td></tr>`,
    )
    .join('');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Slipway</title><meta name="viewport" content="width=device-width">
<style>body{font:16px/1.5 system-ui;max-width:46rem;margin:3rem auto;padding:0 1rem}td,th{text-align:left;padding:.2rem 1.2rem .2rem 0}</style></head>
<body><h1>Slipway ${escapeHtml(source.version)}</h1>
<table><tr><th>Endpoint</th><th>Model</th><th>Version</th><th>State</th></tr>${rows}</table>
<p><a href="/docs">API documentation</a> · <a href="/models">Models</a> · <a href="/metrics">Metrics</a> · <a href="/health">Health</a></p></body></html>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
