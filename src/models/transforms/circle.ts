/** Polynomials of fdlibm for sine and cosine up to an eighth of a turn. */
const SINE = [
  1.58969099521155e-10, -2.5050760253406863e-8, 2.7557313707070068e-6, -1.984126982985795e-4,
  8.33333333332249e-3, -0.16666666666666632,
];
const COSINE = [
  -1.1359647557788195e-11, 2.087572321298175e-9, -2.7557314351390663e-7, 2.480158728947673e-5,
  -1.388888888887411e-3, 0.0416666666666666,
];

/**
 * Sine and cosine of `x / period` turns, [NaN, NaN] for what is not finite. Math.sin and Math.cos are not used: their
 * last bits differ between releases of V8, and training and serving seldom run the same one.
 */
export function onCircle(x: number, period: number): readonly [sin: number, cos: number] {
  const turns = (x % period) / period;
  const quarter = Math.round(turns * 4);
  const angle = (turns - quarter / 4) * 2 * Math.PI;
  const square = angle * angle;
  const sin = angle + angle * square * polynomial(SINE, square);
  const cos = 1 - square / 2 + square * square * polynomial(COSINE, square);
  switch ((quarter + 4) % 4) {
    case 1:
      return [cos, -sin];
    case 2:
      return [-sin, -cos];
    case 3:
      return [-cos, sin];
    default:
      return [sin, cos];
  }
}

function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (const coefficient of coefficients) sum = sum * x + coefficient;
  return sum;
}
