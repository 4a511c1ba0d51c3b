import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useMemo, useRef, useState } from 'react';
import classes from './Output.module.css';
import { frameDocument, frameStyle, sanitizeForMeasuring } from './sanitize.ts';

const largestHeight = 2000;

/**
 * HTML or SVG of an output in a frame of no origin, in which nothing runs. The frame cannot tell how high it is, so a
 * copy of its shape is laid out beside it, clipped to nothing, and measured.
 */
export function OutputFrame({ html, title, isPicture }: { html: string; title: string; isPicture: boolean }) {
  const theme = useComputedColorScheme('light', { getInitialValueInEffect: false });
  // Pictures are drawn for white paper.
  const scheme = isPicture ? 'light' : theme;
  const [height, setHeight] = useState(32);
  const measure = useRef<HTMLDivElement>(null);
  const page = useMemo(() => frameDocument(html, scheme), [html, scheme]);

  useEffect(() => {
    if (measure.current === null) return;
    const inside = measure.current.shadowRoot ?? measure.current.attachShadow({ mode: 'open' });
    const style = document.createElement('style');
    style.textContent = `div{font:13px/20px system-ui,sans-serif;overflow:hidden}${frameStyle}`;
    const content = document.createElement('div');
    content.innerHTML = sanitizeForMeasuring(html);
    inside.replaceChildren(style, content);
    const observer = new ResizeObserver(() => {
      // A horizontal scroll bar needs room as well.
      const scrollBar = content.scrollWidth > content.clientWidth ? 16 : 0;
      setHeight(Math.ceil(content.scrollHeight) + scrollBar);
    });
    observer.observe(content);
    return () => observer.disconnect();
  }, [html]);

  return (
    <div className={classes.frameHolder} data-picture={isPicture || undefined}>
      <div ref={measure} className={classes.measure} aria-hidden inert />
      <iframe
        key={scheme}
        className={classes.frame}
        title={title}
        // Links may open in a tab of their own; everything else is off, scripts and the app's origin above all.
        sandbox="allow-popups allow-popups-to-escape-sandbox"
        referrerPolicy="no-referrer"
        loading="lazy"
        srcDoc={page}
        height={Math.min(height, largestHeight)}
        // As its document's, or the browser paints a ground of its own behind it.
        style={{ colorScheme: scheme }}
      />
    </div>
  );
}
