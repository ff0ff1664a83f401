/** Newton's iterations from a start that is off by less than a third: the fifth changes nothing more, save rounding. */
const ITERATIONS = 6;

/**
 * The cube root of `x`, at least 0: exact where it is a whole number, else within two units in the last place.
 *
 * Made of + - * / alone, which IEEE 754 rounds in one way: Math.cbrt may differ between engines, and traces with it.
 */
export function cubeRoot(x: number): number {
  if (x === 0 || x === Number.POSITIVE_INFINITY) return x;
  // x is mantissa * 8^n with 1 <= mantissa < 8: powers of two are exact, so scaling loses nothing.
  let mantissa = x;
  let scale = 1;
  while (mantissa >= 8) {
    mantissa /= 8;
    scale *= 2;
  }
  while (mantissa < 1) {
    mantissa *= 8;
    scale /= 2;
  }
  let root = 1 + (mantissa - 1) / 7;
  for (let i = 0; i < ITERATIONS; i += 1) root -= (root - mantissa / (root * root)) / 3;
  const result = root * scale;
  const whole = Math.round(result);
  return whole * whole * whole === x ? whole : result;
}
