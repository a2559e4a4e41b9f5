import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { alice, authorizationOf, authorizePath, openPeopleWorld, redeem } from '../support/browser'
import { testCertificate } from '../support/certificates'
import { describeInChromium, launchChromium } from '../support/chromium'
import type { World } from '../support/world'

/**
 * A real browser with a certificate of its own, a real site of the client on another origin. What only a
 * browser knows is tried here: cookies across sites, our policy, forms that lead elsewhere, frames.
 */
describeInChromium('in Chromium', () => {
  let browser: Browser
  let world: World
  let site: Server
  let siteUrl: string
  let context: BrowserContext
  let page: Page
  let complaints: string[]
  /** What the client's site shows. */
  let shown = ''

  beforeAll(async () => {
    browser = await launchChromium()
    site = await openSite()
    // Another host and not just another port: cookies and `SameSite` do not look at ports.
    siteUrl = `https://127.0.0.1:${(site.address() as AddressInfo).port}`
    world = await openPeopleWorld({ a: { redirect_uris: [`${siteUrl}/callback`] } })
  })
  afterAll(async () => {
    await browser?.close()
    site?.closeAllConnections()
    site?.close()
    await world?.close()
  })
  beforeEach(async () => {
    const { cert, key } = world.certificates.stranger
    context = await browser.newContext({
      ignoreHTTPSErrors: true,
      clientCertificates: [{ origin: world.url, cert: Buffer.from(cert), key: Buffer.from(key) }],
    })
    page = await context.newPage()
    complaints = []
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(String(error)))
    world.events.length = 0
  })
  afterEach(() => context.close())

  const link = (fields: Record<string, string> = {}) =>
    world.url +
    authorizePath(authorizationOf(world.a, { redirect_uri: `${siteUrl}/callback`, ...fields }))

  /** The client's own page, with what the test wants on it. */
  async function onSite(body: string) {
    shown = body
    await page.goto(siteUrl)
  }

  async function logIn() {
    await page.getByLabel('User name').fill(alice.username)
    await page.getByLabel('Password').fill(alice.password)
    await page.getByRole('button', { name: 'Log in' }).click()
  }

  test('a person comes from the client’s site, logs in, allows, and goes back with a code', async () => {
    await onSite(`<a href="${link().replaceAll('&', '&amp;')}">Log in with us</a>`)
    await page.getByText('Log in with us').click()
    expect(await page.title()).toBe('Log in')
    await logIn()
    expect(await page.getByRole('listitem').allTextContents()).toEqual(['openid', 'accounts:read'])
    await page.getByRole('button', { name: 'Allow' }).click()
    await page.waitForURL(`${siteUrl}/callback**`)

    const { searchParams } = new URL(page.url())
    expect(searchParams.get('state')).toBe('state-of-a')
    expect(searchParams.get('iss')).toBe(world.server.issuer)
    const code = searchParams.get('code') ?? ''
    const redirect_uri = `${siteUrl}/callback`
    expect((await world.token(world.a, redeem(code, { redirect_uri }))).status).toBe(200)
    expect(complaints).toEqual([])

    // Once more from the client's site: the cookie is known there, so the password is not asked for.
    await onSite(`<a href="${link({ state: 'again' }).replaceAll('&', '&amp;')}">Again</a>`)
    await page.getByText('Again').click()
    expect(await page.title()).toBe('Allow access')
    await page.getByRole('button', { name: 'Deny' }).click()
    await page.waitForURL(`${siteUrl}/callback**`)
    expect(new URL(page.url()).searchParams.get('error')).toBe('access_denied')
  })

  test('the browser’s own certificate is seen, and is no client’s', async () => {
    await page.goto(link())
    await page.getByLabel('User name').fill(alice.username)
    await page.getByLabel('Password').fill('wrong')
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByRole('alert').waitFor()
    expect(world.only('user.rejected')).toMatchObject({
      thumbprint: expect.stringMatching(/^[\w-]{16}$/),
      client_id: world.a.client_id,
    })
  })

  test('logging out asks, ends the login and goes back to the client', async () => {
    await page.goto(link())
    await logIn()
    const query = new URLSearchParams({
      client_id: world.a.client_id,
      post_logout_redirect_uri: `${siteUrl}/callback`,
    })
    // As a client may: by a POST from its own site, which brings no cookie by itself.
    const fields = [...query].map(([name, value]) => `<input name="${name}" value="${value}">`)
    await onSite(
      `<form method="post" action="${world.url}/oidc/logout">${fields.join('')}<button>Bye</button></form>`,
    )
    await page.getByText('Bye').click()
    expect(await page.getByText('alice').isVisible()).toBe(true)
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.waitForURL(`${siteUrl}/callback`)
    await page.goto(link())
    expect(await page.title()).toBe('Log in')
    expect(complaints).toEqual([])
  })

  test('no site can put our pages into a frame (clickjacking)', async () => {
    await page.goto(link())
    await logIn()
    await onSite(`<iframe src="${link().replaceAll('&', '&amp;')}"></iframe>`)
    expect(complaints.join()).toMatch(/frame-ancestors|X-Frame-Options/)
    const [, frame] = page.frames()
    expect(await frame?.getByText('Allow').count()).toBe(0)
  })

  test('a site can’t post our forms, even one that it was given (CSRF)', async () => {
    await page.goto(link())
    await logIn()
    const form = await page.locator('input[name=form]').getAttribute('value')
    await onSite(
      `<form method="post" action="${world.url}/oauth2/authorize">
      <input name="form" value="${form}"><input name="decision" value="allow"><button>Win</button></form>`,
    )
    await page.getByText('Win').click()
    expect(await page.title()).toBe('This did not work')
    expect(world.only('request.refused').reason).toBe('form_from_elsewhere')
  })

  test('no script runs on our pages, whatever is put there', async () => {
    await page.goto(link())
    await page.evaluate(`{
      const script = document.createElement('script')
      script.textContent = 'document.title = "owned"'
      document.body.append(script)
    }`)
    expect(await page.title()).toBe('Log in')
    expect(complaints.join()).toContain('Content Security Policy')
  })

  async function openSite(): Promise<Server> {
    const { pem: cert, key } = testCertificate({ name: 'localhost', server: true })
    const server = createServer({ cert, key }, (_req, res) => {
      res.setHeader('content-type', 'text/html').end(shown)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return server
  }
})
