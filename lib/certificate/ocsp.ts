import { randomBytes } from 'node:crypto'
import { request } from 'node:http'
import type { RejectionReason } from '../error/reasons'
import type { Certificate } from './certificate'
import type { Path } from './chain'
import { ocspRequest, readOcspResponse } from './ocsp-message'

/** `soft`: no answer is no obstacle; `hard`: without a good answer nobody gets in. */
export type OcspPolicy = 'off' | 'soft' | 'hard'

export interface Responders {
  /**
   * What the CAs' responders say of these chains, each certificate but the last. At once when the
   * answers are known, otherwise within two seconds. A certificate whose CA names no responder is
   * not asked for. `crl_expired` stands for: hard, and no word of today.
   */
  verdict(paths: readonly Path[], policy: OcspPolicy, now: number): Verdict | Promise<Verdict>
}

type Verdict = Extract<RejectionReason, 'certificate_revoked' | 'crl_expired'> | undefined

/** Asks responders and keeps what they said; a new trust set begins with nothing kept. */
export function openResponders(): Responders {
  const answers = new Map<string, Answer>()
  const asking = new Map<string, Promise<Answer>>()

  const find = (certificate: Certificate, issuer: Certificate, now: number) => {
    const key = `${certificate.thumbprint} ${issuer.thumbprint}`
    const known = answers.get(key)
    if (known !== undefined && now < known.until && now >= known.asked) return known
    const asked = asking.get(key)
    if (asked !== undefined) return asked
    if (asking.size >= askingAtMost) return { status: undefined, asked: now, until: now }
    const question = ask(certificate, issuer, now).then((answer) => {
      if (answers.size >= answersAtMost) answers.delete(answers.keys().next().value ?? '')
      answers.set(key, answer)
      asking.delete(key)
      return answer
    })
    asking.set(key, question)
    return question
  }

  return {
    verdict(paths, policy, now) {
      if (policy === 'off') return undefined
      const found = paths
        .flatMap(pairsOf)
        .map(([certificate, issuer]) => find(certificate, issuer, now))
      return found.every(isKnown)
        ? verdictOf(found, policy)
        : Promise.all(found).then((answers) => verdictOf(answers, policy))
    },
  }
}

interface Answer {
  /** undefined: no answer that can be believed. */
  readonly status: 'good' | 'revoked' | 'unknown' | undefined
  /** It is kept between these two moments. */
  readonly asked: number
  readonly until: number
}

function isKnown(answer: Answer | Promise<Answer>): answer is Answer {
  return !(answer instanceof Promise)
}

const answersAtMost = 1000
const askingAtMost = 64
const answerTimeout = 1500
const answerBytesAtMost = 65_536
/** A good answer is asked for again after this time, however long its CA would have it believed. */
const keptAtMost = 600_000
/** A responder that fails is left alone for this time. */
const failedFor = 15_000

/** Certificates of a chain whose CA names a responder, each with that CA. */
function pairsOf(path: Path): [Certificate, Certificate][] {
  return path.slice(0, -1).flatMap((certificate, index) => {
    const issuer = path[index + 1]
    return issuer === undefined || certificate.ocspUrls.length === 0 ? [] : [[certificate, issuer]]
  })
}

function verdictOf(answers: readonly Answer[], policy: OcspPolicy): Verdict {
  if (answers.some(({ status }) => status === 'revoked')) return 'certificate_revoked'
  const isGood = answers.every(({ status }) => status === 'good')
  return isGood || policy === 'soft' ? undefined : 'crl_expired'
}

/** The first URL alone. It stands in a certificate that one of our CAs has signed, so it is that CA's choice. */
async function ask(certificate: Certificate, issuer: Certificate, now: number): Promise<Answer> {
  const [url = ''] = certificate.ocspUrls
  const nonce = randomBytes(16)
  try {
    const bytes = await post(url, ocspRequest(certificate, issuer, nonce))
    const { status, until } = readOcspResponse(bytes, certificate, issuer, nonce, now)
    return { status, asked: now, until: Math.min(until, now + keptAtMost) }
  } catch {
    return { status: undefined, asked: now, until: now + failedFor }
  }
}

/** Plain HTTP, as RFC 6960 appendix A has it: the answer is signed. Redirects are not followed. */
function post(url: string, body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(answerTimeout)
    const headers = { 'content-type': 'application/ocsp-request', 'content-length': body.length }
    const asked = request(url, { method: 'POST', headers, signal, agent: false }, (response) => {
      const chunks: Buffer[] = []
      let length = 0
      response.on('data', (chunk: Buffer) => {
        length += chunk.length
        chunks.push(chunk)
        if (length > answerBytesAtMost) response.destroy(new Error('a response that is too long'))
      })
      response.on('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks))
        else reject(new Error('the responder did not answer with 200'))
      })
      response.on('error', reject)
    })
    asked.on('error', reject)
    asked.end(body)
  })
}
