/**
 * Loaded into the server before anything else: SIGUSR2 starts the CPU profiler, the next one stops it and
 * writes `BENCH_PROFILE`. `--cpu-prof` would profile the start as well, and the wait for the load.
 */
const { writeFileSync } = require('node:fs')
const { Session } = require('node:inspector')

const session = new Session()
let running = false

process.on('SIGUSR2', () => {
  if (running) {
    session.post('Profiler.stop', (error, result) => {
      if (error) throw error
      writeFileSync(process.env.BENCH_PROFILE, JSON.stringify(result.profile))
      session.disconnect()
    })
    return
  }
  running = true
  session.connect()
  session.post('Profiler.enable')
  session.post('Profiler.setSamplingInterval', { interval: 200 })
  session.post('Profiler.start')
})
