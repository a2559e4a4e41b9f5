import { createPublicKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import files, { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { importJWK, jwtVerify } from 'jose'
import { verify } from 'jsonwebtoken'
import { memoryStore } from '../../../lib/store'
import { createKey, type SigningAlgorithm } from '../../../lib/token/key-files'
import { type KeySettings, type Keys, openKeys, rotateKeys } from '../../../lib/token/keys'
import { signJwt, signJwtAside } from '../../../lib/token/sign'

/** Keys: a folder of private parts, a database that says which signs, and nothing lost between them. */
let directory: string
let store: ReturnType<typeof memoryStore>
let now: number
const clock = { now: () => now }
const opened: Keys[] = []
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keys-'))
  store = memoryStore()
  now = Date.now()
})
afterEach(async () => {
  for (const keys of opened.splice(0)) keys.close()
  await rm(directory, { recursive: true })
})

const settings = (more: Partial<KeySettings> = {}): KeySettings => ({
  directory,
  algorithm: 'ES256',
  overlap: 100,
  mayCreate: true,
  ...more,
})

async function open(more: Partial<KeySettings> = {}): Promise<Keys> {
  const keys = await openKeys(settings(more), store, clock)
  opened.push(keys)
  return keys
}

function signingOf(keys: Keys) {
  const key = keys.signing()
  if (key === undefined) throw new Error('no key signs')
  return key
}

const rotate = (more: Partial<KeySettings> = {}) => rotateKeys(settings(more), store, now)
const kidsOf = async (keys: Keys) => (await keys.jwks()).keys.map(({ kid }) => kid)
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

describe.each(['ES256', 'ES384', 'RS256', 'PS256'] as const)('%s', (algorithm) => {
  test('what it signs, jose and jsonwebtoken verify by the published key alone', async () => {
    const keys = await open({ algorithm })
    const key = signingOf(keys)
    const claims = { iss: 'https://id.example', sub: 'a', exp: Math.floor(now / 1000) + 60 }
    const token = signJwt(key, 'at+jwt', claims)
    const [jwk] = (await keys.jwks()).keys as [JsonWebKey]

    const publicKey = await importJWK(jwk as never, algorithm)
    const byJose = await jwtVerify(token, publicKey, { algorithms: [algorithm], typ: 'at+jwt' })
    expect(byJose.payload).toEqual(claims)
    expect(byJose.protectedHeader).toEqual({ alg: algorithm, typ: 'at+jwt', kid: key.kid })

    const imported = createPublicKey({ key: jwk, format: 'jwk' })
    expect(verify(token, imported, { algorithms: [algorithm] })).toEqual(claims)
  })

  test('it signs beside other requests where that pays, and the same', async () => {
    const keys = await open({ algorithm })
    const key = signingOf(keys)
    const claims = { sub: 'a', exp: Math.floor(now / 1000) + 60 }
    const onTwoCores = signJwtAside(key, 'at+jwt', claims, 2)
    expect(typeof signJwtAside(key, 'at+jwt', claims, 1)).toBe('string')
    expect(onTwoCores instanceof Promise).toBe(algorithm === 'RS256' || algorithm === 'PS256')
    const token = await onTwoCores
    const imported = createPublicKey({ key: (await keys.jwks()).keys[0] as never, format: 'jwk' })
    expect(verify(token, imported, { algorithms: [algorithm] })).toEqual(claims)
    const damaged = `${token.slice(0, -8)}${token.endsWith('AAAAAAAA') ? 'BBBBBBBB' : 'AAAAAAAA'}`
    expect(() => verify(damaged, imported, { algorithms: [algorithm] })).toThrow()
  })

  test('it signs in place once the pool has enough to do', async () => {
    const key = signingOf(await open({ algorithm }))
    const signed = Array.from({ length: 70 }, () => signJwtAside(key, 'at+jwt', { sub: 'a' }, 2))
    const aside = signed.filter((each) => each instanceof Promise)
    expect(aside).toHaveLength(algorithm === 'RS256' || algorithm === 'PS256' ? 64 : 0)
    await Promise.all(signed)
    expect(signJwtAside(key, 'at+jwt', {}, 2) instanceof Promise).toBe(aside.length > 0)
  })

  test('its set names it by its RFC 7638 thumbprint and holds nothing private', async () => {
    const keys = await open({ algorithm })
    const { calculateJwkThumbprint } = await import('jose')
    for (const jwk of (await keys.jwks()).keys) {
      expect(jwk).toMatchObject({ use: 'sig', alg: algorithm })
      expect(jwk.kid).toBe(await calculateJwkThumbprint(jwk as never))
      expect(Object.keys(jwk).filter((member) => privateMembers.includes(member))).toEqual([])
    }
  })

  test('it is read again from its file as what it is', async () => {
    const { kid } = signingOf(await open({ algorithm }))
    const again = signingOf(await open({ algorithm }))
    expect(again).toMatchObject({ kid, alg: algorithm })
  })
})

describe('files', () => {
  test('the first start makes one key, in a file of one’s own', async () => {
    const folder = join(directory, 'deep', 'keys')
    const { kid } = signingOf(await open({ directory: folder }))
    expect(await readdir(folder)).toEqual([`${kid}.pem`])
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    expect((await stat(join(folder, `${kid}.pem`))).mode & 0o777).toBe(0o600)
    expect(await readFile(join(folder, `${kid}.pem`), 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY/)
  })

  test('a key that lies there already is taken', async () => {
    const { kid } = await createKey({ directory, algorithm: 'ES256' })
    expect(signingOf(await open()).kid).toBe(kid)
    expect(await readdir(directory)).toHaveLength(1)
  })

  test('where machines share a database nothing is made up', async () => {
    const keys = await open({ mayCreate: false })
    expect(keys.signing()).toBeUndefined()
    expect(await readdir(directory)).toEqual([])
  })

  test('a database that names a key whose file is lost gets no other: nothing signs', async () => {
    await open()
    await rm(directory, { recursive: true })
    await mkdir(directory)
    expect((await open()).signing()).toBeUndefined()
    expect(await readdir(directory)).toEqual([])
  })

  const pem = (key: ReturnType<typeof generateKeyPairSync>['privateKey']) =>
    key.export({ type: 'pkcs8', format: 'pem' })

  test.each<[string, () => string | Buffer]>([
    ['nothing', () => ''],
    ['text', () => 'a key'],
    [
      'half a key',
      () => String(pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)).slice(0, 80),
    ],
    [
      'a public key',
      () =>
        generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
          type: 'spki',
          format: 'pem',
        }),
    ],
    [
      'a curve that we have no algorithm for',
      () => pem(generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey),
    ],
    ['Ed25519', () => pem(generateKeyPairSync('ed25519').privateKey)],
    ['RSA of 1024 bits', () => pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey)],
  ])('F10: at the start %s is refused, by the name of its file', async (_, content) => {
    await writeFile(join(directory, 'broken.pem'), content())
    await expect(open()).rejects.toThrow(/broken\.pem/)
  })

  test.each<[string, (file: string) => Promise<unknown>]>([
    ['truncated', (file) => writeFile(file, '-----BEGIN PRIVATE KEY-----')],
    ['emptied', (file) => writeFile(file, '')],
    ['gone', (file) => rm(file)],
    ['a folder', (file) => rm(file).then(() => mkdir(file))],
  ])('F10: on reload a file that is %s is told, and the key goes on', async (_, damage) => {
    const keys = await open()
    const { kid } = signingOf(keys)
    await damage(join(directory, `${kid}.pem`))
    await expect(keys.reload()).rejects.toThrow(new RegExp(kid))
    expect(signingOf(keys).kid).toBe(kid)
    expect(await kidsOf(keys)).toEqual([kid])
    expect((await keys.find(kid))?.kid).toBe(kid)
  })

  test('F10: a folder that breaks while another process rotates keeps what is known, and heals', async () => {
    const keys = await open()
    const { kid: before } = signingOf(keys)
    const { kid: after } = await rotate()
    const broken = join(directory, 'broken.pem')
    await writeFile(broken, 'x')
    expect(await keys.find(after)).toBeUndefined()
    expect(await kidsOf(keys)).toEqual([before])
    await rm(broken)
    await keys.reload()
    expect(signingOf(keys).kid).toBe(after)
  })

  test('F10: a folder that is broken is not read again for each made-up kid', async () => {
    const keys = await open()
    await rotate()
    await writeFile(join(directory, 'broken.pem'), 'x')
    await keys.find('first')
    const read = jest.spyOn(files, 'readdir')
    for (const kid of ['a', 'b', 'c']) expect(await keys.find(kid)).toBeUndefined()
    expect(read).not.toHaveBeenCalled()
    read.mockRestore()
  })

  test('other files in the folder are nobody’s business', async () => {
    await writeFile(join(directory, 'README.txt'), 'x')
    await writeFile(join(directory, 'old.pem.bak'), 'x')
    expect(signingOf(await open()).alg).toBe('ES256')
  })
})

describe('rotation', () => {
  test('the new key signs, the old one stays published for the overlap and no longer', async () => {
    const keys = await open()
    const { kid: old } = signingOf(keys)
    now += 5
    const { kid: fresh } = await rotate()
    expect(await kidsOf(keys)).toEqual([fresh, old])
    expect(signingOf(keys).kid).toBe(fresh)
    now += 99_999
    expect((await keys.find(old))?.kid).toBe(old)
    now += 2
    expect(await keys.find(old)).toBeUndefined()
    expect(await kidsOf(keys)).toEqual([fresh])
    expect(keys.published().map(({ kid }) => kid)).toEqual([fresh])
  })

  test('each key is exported once, however often the set is asked for', async () => {
    const keys = await open()
    const exported = jest.spyOn(signingOf(keys).publicKey, 'export')
    const [first] = (await keys.jwks()).keys
    now += 5
    await rotate()
    const [next, before] = (await keys.jwks()).keys
    expect(before).toEqual(first)
    expect(next).toMatchObject({ kid: signingOf(keys).kid, alg: 'ES256', use: 'sig' })
    expect(next?.x).not.toBe(first?.x)
    expect(exported).toHaveBeenCalledTimes(1)
  })

  test('a kid that another process activated is found at its first token', async () => {
    const [one, other] = [await open(), await open()]
    const { kid } = await rotate()
    await other.reload()
    expect(signingOf(other).kid).toBe(kid)
    expect((await one.find(kid))?.kid).toBe(kid)
    expect(signingOf(one).kid).toBe(kid)
  })

  test('from EC to RSA and back, each key with its own algorithm', async () => {
    const keys = await open()
    const algorithms: SigningAlgorithm[] = ['PS256', 'RS256', 'ES384']
    for (const algorithm of algorithms) {
      now += 5
      await rotate({ algorithm })
    }
    const published = (await keys.jwks()).keys.map(({ alg }) => alg)
    expect(published).toEqual(['ES384', 'RS256', 'PS256', 'ES256'])
  })

  test.each(['ES384', 'PS256', 'RS256'] as const)(
    'a start with algorithm %s signs with a key of it, and the one before stays published',
    async (algorithm) => {
      const { kid } = signingOf(await open())
      now += 5
      const keys = await open({ algorithm })
      expect(signingOf(keys).alg).toBe(algorithm)
      expect(await kidsOf(keys)).toEqual([signingOf(keys).kid, kid])
      expect(signingOf(await open({ algorithm })).kid).toBe(signingOf(keys).kid)
    },
  )

  test('where none may be made an RSA key goes on with the algorithm it began with', async () => {
    const { kid } = signingOf(await open({ algorithm: 'RS256' }))
    const keys = await open({ algorithm: 'PS256', mayCreate: false })
    expect(signingOf(keys)).toMatchObject({ kid, alg: 'RS256' })
    now += 5
    await rotate({ algorithm: 'PS256' })
    await keys.reload()
    expect(signingOf(keys).alg).toBe('PS256')
    expect((await keys.find(kid))?.alg).toBe('RS256')
  })

  test('takes a key that was put into the folder first, so that all machines have it', async () => {
    const keys = await open()
    now += 5
    const { kid } = await createKey({ directory, algorithm: 'ES256' })
    expect((await rotate({ mayCreate: false })).kid).toBe(kid)
    await keys.reload()
    expect(signingOf(keys).kid).toBe(kid)
  })

  test('without one there, and where none may be made, says what to do', async () => {
    await open()
    await expect(rotate({ mayCreate: false })).rejects.toThrow(
      /has no new ES256 key.*every machine/,
    )
  })
})
