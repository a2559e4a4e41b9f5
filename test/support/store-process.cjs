// A process of its own on a store: `node store-process.cjs URL open|rotate|race|fill [COUNT]`. It runs
// what was built, as a user's process does.
const { openStore } = require('../../dist/lib/store')

const [url, action, count] = process.argv.slice(2)
const now = 1_750_000_000_000
const expires = now + 1_000_000

const actions = {
  /** Starts, says so, and stays until its input ends. */
  async open() {
    console.log('open')
    await inputEnds()
  },

  /** Rotates one refresh token without end and tells each successor once it is answered. */
  async rotate(store) {
    const grant_id = `grant-${process.pid}`
    let digest = `${grant_id}-0`
    const token = { grant_id, created: now, expires }
    const grant = { grant_id, client_id: 'a', sub: 'a', scope: '', resources: [], claims: '{}' }
    await store.commitIssue({
      grant: { ...grant, created: now, expires },
      refresh_token: { ...token, digest },
      now,
    })
    for (let n = 1; ; n++) {
      const next = `${grant_id}-${n}`
      const refresh_token = { ...token, digest: next }
      const won = await store.commitIssue({
        consumes: { refresh_token: digest },
        refresh_token,
        now,
      })
      if (!won) throw new Error(`${digest} was lost`)
      process.stdout.write(`${next}\n`)
      digest = next
    }
  },

  /** Writes until the disk is full; tells how that failed, and what may still be read. */
  async fill(store) {
    let stored = 0
    try {
      while (stored < 20_000) {
        await store.seen(`key ${stored}`, expires, now)
        stored++
      }
    } catch ({ status, reason }) {
      const known = (await store.status()).counts.replay
      console.log(JSON.stringify({ status, reason, kept: known === stored }))
    }
  },

  /** Tries to spend each of COUNT tokens four times at once; tells the number of each it won. */
  async race(store) {
    console.log('ready')
    await inputEnds()
    const won = []
    for (let n = 0; n < Number(count); n++) {
      const tries = [0, 1, 2, 3].map(() =>
        store.commitIssue({ consumes: { refresh_token: `token-${n}` }, now }),
      )
      for (const outcome of await Promise.all(tries)) if (outcome) won.push(n)
    }
    console.log(JSON.stringify(won))
  },
}

async function main() {
  const store = await openStore(url)
  await actions[action](store)
  await store.close()
}

function inputEnds() {
  return new Promise((resolve) => process.stdin.on('end', resolve).resume())
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
