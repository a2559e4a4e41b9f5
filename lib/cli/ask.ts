import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'

/** Asks at the terminal; what is typed is not shown. */
export function askSecret(question: string): Promise<string> {
  process.stderr.write(question)
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true })
  return new Promise((resolve, reject) => {
    terminal.on('SIGINT', () => reject(new Error('Interrupted.')))
    terminal.question('', resolve)
  }).finally(() => {
    terminal.close()
    process.stderr.write('\n')
  }) as Promise<string>
}
