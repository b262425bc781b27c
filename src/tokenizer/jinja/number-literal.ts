// Number literals of a template.
import { JsonFloat } from '../../json.js';

/** A float literal; the wrapper tells 1.0 from 1. */
export function floatConstant(digits: string): number | JsonFloat {
  const value = Number(digits);
  return Number.isInteger(value) ? new JsonFloat(value) : value;
}

/** An integer literal of any size. */
export function integerConstant(digits: string): number | bigint {
  const value = Number(digits);
  return Number.isSafeInteger(value) ? value : BigInt(digits);
}
