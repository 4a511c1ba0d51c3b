/** Money for a person: to the cent, and finer where a cent would hide it. */
export function formatMoney(amount: number, currency: string): string {
  const isTiny = amount > 0 && amount < 0.01;
  return new Intl.NumberFormat('en-US', {
    style: 'currency',
    currency,
    minimumFractionDigits: 2,
    maximumFractionDigits: isTiny ? 4 : 2,
  }).format(amount);
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${value.toFixed(value < 10 && power > 1 ? 1 : 0)} ${units[power] ?? 'B'}`;
}
