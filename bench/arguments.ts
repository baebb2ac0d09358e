import { InvalidArgumentError } from 'commander';

/** An option's value from 1 to 999,999. Throws InvalidArgumentError. */
export function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('expected a whole number of at least 1');
  return Number(text);
}

/** Requests per second, ascending, from '0.5,1,2'. Throws InvalidArgumentError. */
export function risingRates(text: string): number[] {
  const rates = text.split(',').map(Number);
  if (!rates.every((rate, i) => rate > (rates[i - 1] ?? 0) && rate <= 1000))
    throw new InvalidArgumentError('expected ascending requests per second, such as 0.5,1,2');
  return rates;
}
