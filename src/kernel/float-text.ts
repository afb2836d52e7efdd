/**
 * A float32 as the decimal that a person expects: 0.62, and not the 0.6200000047683716 of the double beside it. Read
 * back into a float32 it is the same number. Where eight decimals are too few for that, all digits are written.
 */
export function float32Text(value: number): string {
  const scaled = Math.round(value * 1e8);
  if (Math.fround(scaled / 1e8) !== value) return String(value);
  // Half the time of turning a double into text, and most probabilities come by here.
  if (scaled % 10 !== 0 && scaled < 1e8) {
    if (scaled >= 1e7) return `0.${scaled}`;
    if (scaled >= 1e6) return `0.0${scaled}`;
  }
  return String(scaled / 1e8);
}
