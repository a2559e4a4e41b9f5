/**
 * The workers of a primary process, each at its post: a post whose worker ends gets another within
 * moments.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { SetupError } from '../error/setup-error'
import type { Log } from '../plugin/plugin'
import { askToReload, kill, listens, type Member, sendTo, startMember } from './member'
import type { Ports, ReloadOrder } from './messages'

export interface Crew {
  readonly url: string
  readonly mtlsUrl: string | undefined
  /**
   * Resolves when every worker runs on the state of that digest; one that does not is replaced.
   * Throws when that takes too long.
   */
  reload(order: ReloadOrder, digest: string): Promise<void>
  tellRefused(refused: boolean): void
  /** Lets all finish; kills what is left after a while. */
  dismiss(): Promise<void>
}

interface Post {
  member: Member
}

/** Milliseconds. */
const answerLimit = 5_000
const replaceLimit = 10_000
const drainLimit = 4_200
const firstPause = 100
const longestPause = 10_000

/** Throws `SetupError` when one of the first can't start; then none is left. */
export async function hireCrew(size: number, ports: Ports, log: Log): Promise<Crew> {
  const posts: Post[] = Array.from({ length: size }, () => ({ member: startMember(ports) }))
  const { url, mtlsUrl } = await firstListening(posts)
  let dismissed = false
  let refused = false
  for (const post of posts) void keep(post)

  async function keep(post: Post): Promise<void> {
    for (let pause = firstPause; ; ) {
      const listened = await listens(post.member)
      await post.member.gone
      if (dismissed) return
      tellEnd(log, post.member)
      if (listened) pause = firstPause
      else await sleep(pause)
      pause = Math.min(pause * 2, longestPause)
      if (dismissed) return
      post.member = startMember(ports)
      if (!(await listens(post.member))) continue
      log.info('worker.replaced', { pid: post.member.worker.process.pid })
      if (refused) sendTo(post.member, { tell: 'reload-refused', refused })
    }
  }

  return {
    url,
    mtlsUrl,
    async reload(order, digest) {
      const laggards = await Promise.all(posts.map((post) => lagging(post, order, digest, log)))
      // One after the other, so that there is always somebody who answers.
      for (const [index, member] of laggards.entries()) {
        const post = posts[index]
        if (post === undefined || member === undefined) continue
        kill(member)
        await replaced(post, member)
      }
    },
    tellRefused(now) {
      refused = now
      for (const { member } of posts) sendTo(member, { tell: 'reload-refused', refused })
    },
    async dismiss() {
      dismissed = true
      const members = posts.map(({ member }) => member)
      for (const member of members) sendTo(member, { tell: 'drain' })
      const late = setTimeout(() => members.forEach(kill), drainLimit)
      await Promise.all(members.map(({ gone }) => gone))
      clearTimeout(late)
    },
  }
}

async function firstListening(posts: readonly Post[]) {
  try {
    const heard = await Promise.all(posts.map(({ member }) => member.listening))
    const [first] = heard
    if (first === undefined) throw new SetupError('No worker.', 'Write workers = 1 or more.')
    return first
  } catch (cause) {
    for (const { member } of posts) kill(member)
    throw cause
  }
}

/**
 * The worker at this post, unless it runs on the new state now. One that is starting has read the files
 * at an unknown moment, so it is asked like the others.
 */
async function lagging(
  { member }: Post,
  order: ReloadOrder,
  digest: string,
  log: Log,
): Promise<Member | undefined> {
  if (!(await listens(member))) return member
  const answer = await askToReload(member, order, answerLimit)
  if (answer.digest === digest) return undefined
  const { pid } = member.worker.process
  log.warn('worker.lagging', { pid, problem: answer.problem ?? 'another state' })
  return member
}

async function replaced(post: Post, before: Member): Promise<void> {
  for (let waited = 0; waited < replaceLimit; waited += 50) {
    if (post.member !== before && (await listens(post.member))) return
    await sleep(50)
  }
  throw new SetupError('A worker could not be replaced.', 'See its own words.')
}

function tellEnd(log: Log, { worker }: Member): void {
  const { pid, exitCode, signalCode } = worker.process
  log.error('worker.ended', { pid, code: exitCode ?? undefined, signal: signalCode ?? undefined })
}
