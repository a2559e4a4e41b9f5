import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

/** A browser that the system has; tests download none. */
const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
  .concat(process.env.CHROMIUM ?? [])
  .findLast((path) => existsSync(path))

/** `describe`, or where there is no Chromium a skip that is seen; in CI that is a failure. */
export function describeInChromium(title: string, tests: () => void): void {
  if (executablePath !== undefined) describe(title, tests)
  else if (process.env.CI === 'true') {
    test(title, () => {
      throw new Error('Chromium is missing: apt-get install chromium, or CHROMIUM=PATH.')
    })
  } else {
    console.warn(`Not run, for want of Chromium (apt-get install chromium): ${title}`)
    describe.skip(title, tests)
  }
}

export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      '--disable-quic',
    ],
  })
}
