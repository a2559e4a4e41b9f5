/** What the kernel knows of a process: its CPU time and memory. Linux only; elsewhere NaN. */
import { readdirSync, readFileSync } from 'node:fs'

/** Linux counts in hundredths of a second on every architecture that Node runs on. */
const microsecondsPerTick = 10_000

/** A process and everything that it started, in the order found. */
export function processTree(pid) {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean)
  return [pid, ...children.flatMap((child) => processTree(Number(child)))]
}

/** Microseconds of CPU that these processes have used so far, in user and kernel. */
export function cpuTime(pids) {
  let ticks = 0
  for (const pid of pids) {
    const stat = read(`/proc/${pid}/stat`)
    // The second field is the command in brackets and may hold anything, so count from its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    ticks += Number(fields[11]) + Number(fields[12])
  }
  return ticks * microsecondsPerTick
}

/** Microseconds that all cores of the machine were busy or stolen since it started. */
export function machineTime() {
  const line = read('/proc/stat').split('\n', 1)[0]
  const [user, nice, system, , , irq, softirq, steal] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number)
  return (user + nice + system + irq + softirq + steal) * microsecondsPerTick
}

/** The most memory that these processes had at one time each, in MB. */
export function peakMemory(pids) {
  return megabytes(pids, /^VmHWM:\s*(\d+)/m)
}

/** The memory that these processes have now, in MB. */
export function memoryNow(pids) {
  return megabytes(pids, /^VmRSS:\s*(\d+)/m)
}

export function openDescriptors(pids) {
  return pids.reduce((sum, pid) => sum + readdirSync(`/proc/${pid}/fd`).length, 0)
}

function megabytes(pids, line) {
  let kilobytes = 0
  for (const pid of pids) kilobytes += Number(line.exec(read(`/proc/${pid}/status`))?.[1])
  return kilobytes / 1024
}

function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
