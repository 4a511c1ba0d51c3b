import classes from './Meter.module.css';

interface MeterProps {
  /** "CPU", "Memory", "Disk". */
  name: string;
  /** Null while it has not been measured. */
  fraction: number | null;
  /** In words with units: "1.2 of 4 GiB". */
  text: string;
}

/** How full something is: a name, a bar, the figure. */
export function Meter({ name, fraction, text }: MeterProps) {
  const percent = fraction === null ? 0 : Math.round(Math.min(1, Math.max(0, fraction)) * 100);
  return (
    <div
      className={classes.meter}
      role="meter"
      aria-label={name}
      title={`${name}: ${text}`}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      aria-valuetext={text}
      data-level={percent >= 95 ? 'full' : percent >= 85 ? 'high' : undefined}
    >
      <span className={classes.name}>{name}</span>
      <span className={classes.text}>{text}</span>
      <span className={classes.track}>
        {/* Set by style: the width is data. */}
        <span className={classes.bar} style={{ width: `${String(percent)}%` }} />
      </span>
    </div>
  );
}
