import {
  createCipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  pbkdf2,
  randomBytes,
  X509Certificate,
} from 'node:crypto'
import { promisify } from 'node:util'
import { primitive, tags } from './der'
import { element, integer, nothing, octetString, oid, sequence, setOf } from './der-writer'
import { bmpPassword, derivedFor, derivePkcs12 } from './pkcs12-derivation'
import { pkcs12Ids as ids } from './pkcs12-ids'

export interface Pkcs12Wish {
  certificatePem: string
  /** Not encrypted. */
  keyPem: string
  /** At least one character: Java and OpenSSL don't agree on the empty one. */
  password: string
  /** The alias under which Java shows it. */
  name: string
}

/**
 * A PKCS#12 file (RFC 7292) with one key and its certificate, encrypted as OpenSSL 3 and Java do
 * today: PBES2, PBKDF2 with HMAC-SHA-256, AES-256-CBC, and a SHA-256 MAC. Read by curl, openssl,
 * keytool, Node and Go's go-pkcs12.
 */
export async function makePkcs12(wish: Pkcs12Wish): Promise<Buffer> {
  const certificate = new X509Certificate(wish.certificatePem)
  const key = createPrivateKey(wish.keyPem).export({ type: 'pkcs8', format: 'der' })
  // Both bags carry it, so that a reader knows which certificate belongs to which key.
  const localKeyId = createHash('sha1').update(certificate.raw).digest()
  const attributes = bagAttributes(wish.name, localKeyId)
  const keyBag = bag(ids.shroudedKeyBag, await encryptKey(key, wish.password), attributes)
  const certBag = bag(
    ids.certBag,
    sequence(oid(ids.x509Certificate), explicit(octetString(certificate.raw))),
    attributes,
  )
  const safes = sequence(
    await encryptedSafe(sequence(certBag), wish.password),
    contentInfo(ids.data, octetString(sequence(keyBag))),
  )
  return sequence(
    integer(3),
    contentInfo(ids.data, octetString(safes)),
    macData(safes, wish.password),
  )
}

/** Rounds of PBKDF2 and of the MAC's own derivation. */
const rounds = 100_000
const derive = promisify(pbkdf2)

const explicit = (...content: Buffer[]): Buffer => element(0xa0, ...content)

const contentInfo = (id: string, content: Buffer): Buffer => sequence(oid(id), explicit(content))

const bag = (id: string, value: Buffer, attributes: Buffer): Buffer =>
  sequence(oid(id), explicit(value), attributes)

function bagAttributes(name: string, localKeyId: Buffer): Buffer {
  const text = element(tags.bmpString, Buffer.from(name, 'utf16le').swap16())
  return setOf(
    sequence(oid(ids.friendlyName), setOf(text)),
    sequence(oid(ids.localKeyId), setOf(octetString(localKeyId))),
  )
}

async function encryptKey(key: Buffer, password: string): Promise<Buffer> {
  const { algorithm, encrypted } = await encrypt(key, password)
  return sequence(algorithm, octetString(encrypted))
}

async function encryptedSafe(content: Buffer, password: string): Promise<Buffer> {
  const { algorithm, encrypted } = await encrypt(content, password)
  const info = sequence(oid(ids.data), algorithm, element(primitive(0), encrypted))
  return contentInfo(ids.encryptedData, sequence(integer(0), info))
}

/** PBES2, RFC 8018 section 6.2. */
async function encrypt(content: Buffer, password: string) {
  const salt = randomBytes(16)
  const iv = randomBytes(16)
  const cipher = createCipheriv(
    'aes-256-cbc',
    await derive(password, salt, rounds, 32, 'sha256'),
    iv,
  )
  const derivation = sequence(
    oid(ids.pbkdf2),
    sequence(
      octetString(salt),
      integer(rounds),
      integer(32),
      sequence(oid(ids.hmacSha256), nothing()),
    ),
  )
  const scheme = sequence(oid(ids.aes256Cbc), octetString(iv))
  return {
    algorithm: sequence(oid(ids.pbes2), sequence(derivation, scheme)),
    encrypted: Buffer.concat([cipher.update(content), cipher.final()]),
  }
}

function macData(content: Buffer, password: string): Buffer {
  const salt = randomBytes(16)
  const macKey = derivePkcs12(bmpPassword(password), salt, rounds, derivedFor.mac, 32, 'sha256')
  const mac = createHmac('sha256', macKey).update(content).digest()
  const digest = sequence(sequence(oid(ids.sha256), nothing()), octetString(mac))
  return sequence(digest, octetString(salt), integer(rounds))
}
