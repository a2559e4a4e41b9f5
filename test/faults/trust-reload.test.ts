/**
 * F11, F12: the truststore is replaced again and again, mostly by files that are no good, while two
 * workers serve. Who is good never notices; who was removed is in no worker let in once the reload is done.
 */
import { rename, writeFile } from 'node:fs/promises'
import { openClients } from '../../lib/client/clients'
import { openStore } from '../../lib/store'
import { type TestCertificate, testCertificate, testCertificates } from '../support/certificates'
import type { Running } from '../support/process'
import { ask } from '../unit/service/request'
import {
  type Caller,
  type FaultyService,
  faultyService,
  keepAlive,
  listening,
  load,
  rounds,
  tally,
  token,
} from './service'

let service: FaultyService
afterEach(() => service.remove())

/** A client known by a name under that CA. */
async function clientUnder(ca: TestCertificate, name: string): Promise<Caller> {
  const { pem, key } = testCertificate({ name, issuer: ca })
  const store = await openStore(service.database)
  const { client, client_secret = '' } = await openClients(store, Date).create({
    client_name: name,
    tls_client_auth_subject_dn: `CN=${name}`,
    tls_client_auth_issuer: ca.thumbprint,
  })
  await store.close()
  return { client_id: client.client_id, client_secret, cert: pem, key }
}

test(`F11, F12: in ${rounds(5, 50)} reloads nobody good is refused, and nobody removed is let in, in any worker`, async () => {
  const { ca, otherCa } = await testCertificates()
  service = await faultyService({
    server: 'workers = 2',
    more: '[truststore]\nfile_name = "truststore.pem"\n[throttle]\nfailures = 100000',
    files: { 'truststore.pem': ca.pem + otherCa.pem },
  })
  const good = await clientUnder(ca, 'good')
  const removed = await clientUnder(otherCa, 'removed')
  const running = service.start()
  const url = await listening(running)
  // Enough connections that each worker has some, each kept alive over all reloads.
  const kept = Array.from({ length: 6 }, keepAlive)
  const underLoad = load(3, (agent) => token(url, good, {}, agent))

  const reload = async (content: string, event: string) => {
    await writeFile(service.file('next.pem'), content)
    await rename(service.file('next.pem'), service.file('truststore.pem'))
    running.signal('SIGHUP')
    await running.next(event)
  }
  const everywhere = async (expected: number) => {
    const fresh = Array.from({ length: 4 }, () => token(url, removed))
    const old = kept.map((agent) => token(url, removed, {}, agent))
    const answers = await Promise.all([...fresh, ...old]).catch((error) => {
      throw new Error(`${error} ${JSON.stringify(lagging(running))}`)
    })
    for (const { status } of answers) expect(status).toBe(expected)
  }

  for (let round = 0; round < rounds(5, 50); round++) {
    await everywhere(200)
    await reload(broken(ca.pem + otherCa.pem, round), 'reload.refused')
    await everywhere(200)
    await reload(ca.pem, 'reload.done')
    await everywhere(401)
    await reload(broken(ca.pem + otherCa.pem, round + 1), 'reload.refused')
    await everywhere(401)
    expect((await ask(`${url}/health`)).body.reasons).toEqual(['reload_refused'])
    await reload(ca.pem + otherCa.pem, 'reload.done')
  }
  expect(Object.keys(tally(await underLoad.stop()))).toEqual(['200'])
  expect(lagging(running)).toEqual([])
  for (const agent of kept) agent.destroy()
}, 900_000)

/** Files that were cut, are empty, are something else, hold no CA. */
function broken(pem: string, round: number): string {
  const half = pem.slice(0, pem.length - 60)
  return (
    [half, '', 'garbage', pem.replace(/(CERTIFICATE-----\n).{40}/g, `$1${'A'.repeat(40)}`), ' \n'][
      round % 5
    ] ?? ''
  )
}

function lagging({ events }: Running) {
  return events.filter(({ event }) => event === 'worker.lagging' || event === 'worker.ended')
}
