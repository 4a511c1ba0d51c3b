import { useLayoutEffect, useRef } from 'react';

/** What a step printed. It follows the end as more comes, and stays where the reader has scrolled to. */
export function StepLog({ title, log }: { title: string; log: string }) {
  const box = useRef<HTMLPreElement>(null);
  const isAtEnd = useRef(true);
  useLayoutEffect(() => {
    if (box.current !== null && isAtEnd.current) box.current.scrollTop = box.current.scrollHeight;
  });
  return (
    <pre
      ref={box}
      tabIndex={0}
      aria-label={`Log of ${title}`}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        isAtEnd.current = scrollHeight - scrollTop - clientHeight < 16;
      }}
    >
      {log}
    </pre>
  );
}
