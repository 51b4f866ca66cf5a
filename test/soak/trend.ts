/** A straight line through points, by least squares. */
export interface Trend {
  /** Change of y for each unit of x. */
  slope: number
  /** Share of the points' variance that the line explains, 0 to 1; 0 where they do not vary. */
  fit: number
}

export function trendOf(points: readonly (readonly [x: number, y: number])[]): Trend {
  const meanX = mean(points.map(([x]) => x))
  const meanY = mean(points.map(([, y]) => y))
  let xx = 0
  let xy = 0
  let yy = 0
  for (const [x, y] of points) {
    xx += (x - meanX) ** 2
    xy += (x - meanX) * (y - meanY)
    yy += (y - meanY) ** 2
  }
  return { slope: xx === 0 ? 0 : xy / xx, fit: xx === 0 || yy === 0 ? 0 : xy ** 2 / (xx * yy) }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
