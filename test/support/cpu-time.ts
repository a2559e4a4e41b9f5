/**
 * How much this process has computed, in milliseconds: a limit of it holds on a busy machine too,
 * where the clock on the wall says nothing.
 */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
