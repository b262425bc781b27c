// Certificates of the router's own ports, read from the files that the configuration names.
import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { certificate } from './access-schema.js';
import type { ConfigFiles } from './config-files.js';
import type { Infer, Place } from './field.js';

export interface CertificateConfig {
  readonly certFile: string;
  readonly keyFile: string;
  /** PEM text of both. */
  readonly cert: string;
  readonly key: string;
  /** Unix time in ms. */
  readonly expiresMs: number;
}

/** Throws ConfigError for files that are no certificate and its key. */
export function readCertificate(
  given: Infer<ReturnType<typeof certificate>> | null,
  place: Place,
  files: ConfigFiles,
): CertificateConfig | null {
  if (given === null) return null;
  const { certFile, keyFile } = given;
  const cert = files.read(certFile, place.child('certFile').name);
  const key = files.read(keyFile, place.child('keyFile').name);
  try {
    createSecureContext({ cert, key });
    const expiresMs = Date.parse(new X509Certificate(cert).validTo);
    if (expiresMs < Date.now()) place.warn(`${certFile} has expired: clients will refuse it`);
    const names = { certFile: files.resolve(certFile), keyFile: files.resolve(keyFile) };
    return { ...names, cert, key, expiresMs };
  } catch (failure) {
    const reason = failure instanceof Error ? failure.message : String(failure);
    return place.fail(
      `${certFile} and ${keyFile} are not a certificate and its key (${reason}): write both files whole, as PEM without a passphrase`,
    );
  }
}
