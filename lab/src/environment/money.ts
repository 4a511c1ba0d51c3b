/** Money for a person: to the cent, and below ten cents with two significant digits, as the app shows it. */
export function formatMoney(amount: number, currency: string): string {
  const decimals = amount > 0 && amount < 0.1 ? Math.max(2, 1 - Math.floor(Math.log10(amount))) : 2;
  return new Intl.NumberFormat('en-US', {
    style: 'currency',
    currency,
    minimumFractionDigits: 2,
    maximumFractionDigits: decimals,
  }).format(amount);
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${value.toFixed(value < 10 && power > 1 ? 1 : 0)} ${units[power] ?? 'B'}`;
}
