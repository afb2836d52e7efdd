const SAFE_PARAMETERS = new Set([
  'sslmode',
  'application_name',
  'connect_timeout',
  'options',
  'schema',
  'host',
  'port',
]);

/**
 * A store's URL as it may be shown: the password becomes `***`. A text that could hide a password somewhere
 * else (an unescaped `#`, `/`, `?` or `@` inside it moves the borders of a URL) is not shown at all.
 */
export function redactStoreUrl(text: string): string {
  if (text.startsWith('sqlite:')) return text;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return '***';
  }
  const behindHost = url.pathname + url.search + url.hash;
  if (/@|%40/i.test(behindHost) || text.split('@').length > 2) return '***';
  const user = url.password === '' ? url.username : `${url.username}:***`;
  const parameters = [...url.searchParams].map(([name, value]) => {
    return `${name}=${SAFE_PARAMETERS.has(name) ? encodeURIComponent(value) : '***'}`;
  });
  const query = parameters.length > 0 ? `?${parameters.join('&')}` : '';
  return `${url.protocol}//${user === '' ? '' : `${user}@`}${url.host}${url.pathname}${query}`;
}
