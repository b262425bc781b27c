// Certificates of a CA of the test's own, made by openssl; no key outlives the test's folder.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerCertificate } from '../../src/http/server.js';
import { temporaryFolder } from './temporary-folder.js';

const EC_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

export class TestCa {
  /** PEM text of the CA's certificate. */
  readonly cert: string;
  readonly certFile: string;
  readonly #folder = temporaryFolder();

  constructor() {
    const [key, cert] = [this.#path('ca.key'), this.#path('ca.pem')];
    openssl('req', '-x509', ...EC_KEY, '-keyout', key, '-out', cert, '-subj', '/CN=test CA');
    this.cert = readFileSync(cert, 'utf8');
    this.certFile = cert;
  }

  /** For 127.0.0.1; `name` becomes the subject, and the beginning of the files' names. */
  issue(name: string): ServerCertificate {
    const [keyFile, certFile] = [this.#path(`${name}.key`), this.#path(`${name}.pem`)];
    openssl(
      ...['req', '-x509', ...EC_KEY, '-keyout', keyFile, '-out', certFile, '-days', '2'],
      ...['-CA', this.certFile, '-CAkey', this.#path('ca.key'), '-subj', `/CN=${name}`],
      ...['-addext', 'subjectAltName=IP:127.0.0.1', '-addext', 'basicConstraints=CA:false'],
    );
    const [cert, key] = [readFileSync(certFile, 'utf8'), readFileSync(keyFile, 'utf8')];
    return { certFile, keyFile, cert, key };
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}
