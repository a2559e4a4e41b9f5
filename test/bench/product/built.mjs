/** Where the product lies as it is built and published: the bench uses nothing else of it. */
import { fileURLToPath } from 'node:url'

/** A file below `dist/`; `BENCH_DIST` names another build, for a comparison of two. */
export function built(path) {
  const dist = process.env.BENCH_DIST ?? fileURLToPath(new URL('../../../dist', import.meta.url))
  return `${dist}/${path}`
}
