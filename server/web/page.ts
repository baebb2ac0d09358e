/** Serves the page for people on the port for browsers: a fixed set of files, read once at the start. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { SphynxError } from '../../errors/sphynx-error.ts';

/** Where the build writes the page: `dist/web`, seen from the sources and from `dist` itself. */
export const PAGE_FOLDER = join(
  import.meta.dirname,
  import.meta.url.endsWith('.ts') ? '../../dist/web' : '../../web',
);

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.wasm': 'application/wasm',
};

/** Images are compressed already. */
const COMPRESSED = ['.html', '.css', '.js', '.svg', '.wasm'];

/** The page may run its own code and WASM, call this server, and show pictures that it holds itself. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "connect-src 'self'",
  "img-src 'self' blob:",
  "style-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Headers of every answer, including refusals. */
const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy':
    'camera=(self), microphone=(), geolocation=(), display-capture=(), payment=(), usb=(), serial=()',
  // Names do not change between versions; the tag identifies the content.
  'cache-control': 'no-cache',
} as const;

interface PageFile {
  readonly type: string;
  /** As HTTP writes it (RFC 9110, section 8.8.3). */
  readonly tag: string;
  readonly body: Buffer;
  /**
   * Brotli-compressed content, which browsers accept over TLS and on loopback; undefined if compression does not help.
   */
  readonly compressed: Buffer | undefined;
}

/** The files of a built page by their URL paths. Other paths are never resolved, so none can lead elsewhere. */
export class Page {
  readonly #files = new Map<string, PageFile>();

  /** Reads all files of `folder` whose type is known. Throws 'config/invalid' if there is no page in it. */
  constructor(folder: string) {
    if (!existsSync(join(folder, 'index.html')))
      throw new SphynxError(
        'config/invalid',
        `there is no page in ${folder}; build it first: npm run build:web`,
      );
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const path = join(folder, name);
      if (!(extname(name) in TYPES) || !statSync(path).isFile()) continue;
      const url = `/${name.replaceAll('\\', '/')}`;
      this.#files.set(url === '/index.html' ? '/' : url, readFile(path));
    }
  }

  /** Answers GET and HEAD for the files, and refuses everything else. */
  answer(request: IncomingMessage, response: ServerResponse): void {
    const file = this.#files.get((request.url ?? '').split('?', 1)[0]);
    if (!file) refuse(response, 404);
    else if (request.method !== 'GET' && request.method !== 'HEAD') refuse(response, 405);
    else if (request.headers['if-none-match'] === file.tag)
      response.writeHead(304, { ...HEADERS, etag: file.tag }).end();
    else send(file, request, response);
  }
}

function send(file: PageFile, request: IncomingMessage, response: ServerResponse): void {
  const accepted = String(request.headers['accept-encoding'] ?? '').split(/\s*,\s*/);
  const compressed = accepted.includes('br') ? file.compressed : undefined;
  const body = compressed ?? file.body;
  response.writeHead(200, {
    ...HEADERS,
    'content-type': file.type,
    'content-length': body.length,
    vary: 'accept-encoding',
    etag: file.tag,
    ...(compressed && { 'content-encoding': 'br' }),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** Answers with an empty body; 405 says what would be allowed. */
export function refuse(response: ServerResponse, status: 404 | 405): void {
  response.writeHead(status, {
    ...HEADERS,
    'content-length': 0,
    ...(status === 405 && { allow: 'GET, HEAD' }),
  });
  response.end();
}

function readFile(path: string): PageFile {
  const body = readFileSync(path);
  const type = extname(path);
  const options = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };
  return {
    type: TYPES[type],
    tag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
    body,
    compressed: COMPRESSED.includes(type) ? brotliCompressSync(body, options) : undefined,
  };
}
