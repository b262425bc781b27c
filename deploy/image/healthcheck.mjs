// HEALTHCHECK of the image: alive, and for a router its admin port. An engine (`sim`) is asked itself.
const urls = [process.env.WARMPATH_ADMIN ?? 'http://127.0.0.1:9090', 'http://127.0.0.1:8000'];
const paths = ['/livez', '/health'];
const answers = await Promise.allSettled(
  urls.map((url, i) => fetch(`${url}${paths[i]}`, { signal: AbortSignal.timeout(3000) })),
);
process.exitCode = answers.some(({ value }) => value?.ok === true) ? 0 : 1;
