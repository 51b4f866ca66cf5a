import type { PortRange } from './config.ts'

/** Whether a port is in one of the ranges. */
export function isInPorts(port: number, ports: 'any' | readonly PortRange[]): boolean {
  return ports === 'any' || ports.some(({ from, to }) => port >= from && port <= to)
}
