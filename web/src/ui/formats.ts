const locale = 'en-US';

/** An amount to the cent: $12.30. What is above zero but below half a cent reads "<$0.01". */
export function formatMoney(amount: number, currency: string): string {
  const exact = new Intl.NumberFormat(locale, { style: 'currency', currency });
  if (amount > 0 && amount < 0.005) return `<${exact.format(0.01)}`;
  return exact.format(amount);
}

/** A unit price: to the cent, and below ten cents with two significant digits, so that $0.0027 is not $0.00. */
export function formatPrice(amount: number, currency: string): string {
  if (amount <= 0 || amount >= 0.1) return formatMoney(amount, currency);
  const decimals = Math.max(2, 1 - Math.floor(Math.log10(amount)));
  return new Intl.NumberFormat(locale, {
    style: 'currency',
    currency,
    minimumFractionDigits: 2,
    maximumFractionDigits: decimals,
  }).format(amount);
}

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** A size in binary units with up to three significant digits: 0 B, 1.5 KiB, 23.4 MiB, 512 GiB. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1023.5 && unit < byteUnits.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${Number(value.toFixed(digits)).toString()} ${byteUnits[unit] ?? 'B'}`;
}

/** How long something took: 0.4 s, 12 s, 3 min 05 s, 2 h 10 min. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${String(Math.round(seconds))} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${String(Math.floor(whole / 60))} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${String(Math.floor(whole / 3600))} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`;
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const steps: [limitSeconds: number, unitSeconds: number, unit: Intl.RelativeTimeFormatUnit][] = [
  [3600, 60, 'minute'],
  [86_400, 3600, 'hour'],
  [7 * 86_400, 86_400, 'day'],
];

/** "just now", "5 minutes ago", "in 3 minutes", "yesterday"; a date when further away than a week. */
export function formatRelative(moment: string, nowMs: number): string {
  const seconds = (Date.parse(moment) - nowMs) / 1000;
  const distance = Math.abs(seconds);
  if (distance < 45) return 'just now';
  for (const [limit, unitSeconds, unit] of steps) {
    if (distance < limit - unitSeconds / 2) {
      const count = Math.max(1, Math.round(distance / unitSeconds));
      return relative.format(seconds < 0 ? -count : count, unit);
    }
  }
  return new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' }).format(
    Date.parse(moment),
  );
}

/** The moment in full, in the reader's own time zone. */
export function formatMoment(moment: string): string {
  return new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'long' }).format(Date.parse(moment));
}

/** "1 notebook", "3 notebooks". */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString(locale)} ${noun}${number === 1 ? '' : 's'}`;
}
