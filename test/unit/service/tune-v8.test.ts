/**
 * V8 makes functions that are assigned to a property old from birth until it has optimized the code
 * around them; Passport assigns five for each request. What is old and points to a request keeps it.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = join(__dirname, '../../..')

it('lets no request grow old that Passport let pass, once a thousand or two have', async () => {
  const [untuned, tuned] = await Promise.all([grown(''), grown('tuneV8()')])
  expect(tuned.stderr).toBe('')
  expect(tuned.bytes).toBeLessThan(untuned.bytes / 4)
})

/** Bytes that became old from the 1,801st request to the 3,600th; each has eight kilobytes. */
async function grown(before: string): Promise<{ bytes: number; stderr: string }> {
  // The young are looked through often; the heap as a whole never, which would hide what has been left.
  const args = [
    '--max-semi-space-size=1',
    '--initial-old-space-size=400',
    '-e',
    `${program}\n${before}\nmain()`,
  ]
  const { stdout, stderr } = await run(process.execPath, args, { cwd: root })
  return { bytes: Number(stdout), stderr }
}

const program = `
const { getHeapSpaceStatistics } = require('node:v8')
const { Passport } = require('passport')
const { Strategy } = require('passport-custom')
const { tuneV8 } = require('./dist/lib/service/tune-v8.js')

const passport = new Passport()
passport.use(new Strategy((req, done) => setImmediate(done, null, { client_id: 'first' })))
const authenticate = passport.authenticate('custom', { session: false })

async function requests(count) {
  for (let turn = 0; turn < count / 30; turn++) await Promise.all(Array.from({ length: 30 }, request))
}
function request() {
  const req = { body: new Array(1000).fill(0), logIn: (user, options, done) => done() }
  return new Promise((resolve, reject) => authenticate(req, {}, (error) => (error ? reject(error) : resolve())))
}
function old() {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space').space_used_size
}
async function main() {
  await requests(1800)
  const before = old()
  await requests(1800)
  process.stdout.write(String(old() - before))
}`
