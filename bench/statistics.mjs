/** Of a list that is not empty. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Least, median and greatest: a figure from a shared machine says little without its spread. */
export function spread(values) {
  return { least: Math.min(...values), median: median(values), greatest: Math.max(...values) };
}

/** Ratios within a round, where both sides met the same machine; medians of each side would mix rounds. */
export function ratiosByRound(above, below) {
  return above.map((value, round) => value / below[round]);
}

/** At most so many decimals, as a number. */
export function rounded(value, decimals = 2) {
  return Number(value.toFixed(decimals));
}

/** Each round begins with another server, so that none always follows the same one. */
export function rotated(servers, round) {
  const first = round % servers.length;
  return [...servers.slice(first), ...servers.slice(0, first)];
}
