import { StaticNotebook } from '@jupyterlab/notebook';

/** Somebody who types is between two keys for so long. */
const pauseMs = 500;

/** How JupyterLab renders the cells that are out of sight, which has no public way to be replaced. */
interface Internals {
  _scheduleCellRenderOnIdle(this: StaticNotebook): void;
}

/**
 * Lets cells out of sight wait while somebody types. JupyterLab renders them in the idle moments between two pictures,
 * but a cell takes longer than such a moment, and the keys wait for it. Call it once, before any notebook is opened.
 */
export function renderBetweenKeys(): void {
  let typedAt = -Infinity;
  document.addEventListener(
    'keydown',
    ({ target }) => {
      if (target instanceof Element && target.closest('.cm-content') !== null) typedAt = performance.now();
    },
    { capture: true },
  );
  // `as` twice: the method is private.
  const internals = StaticNotebook.prototype as unknown as Internals;
  const schedule = internals._scheduleCellRenderOnIdle;
  const waiting = new WeakSet<StaticNotebook>();
  internals._scheduleCellRenderOnIdle = function () {
    if (waiting.has(this)) return;
    const waitMs = typedAt + pauseMs - performance.now();
    if (waitMs <= 0 || !reachesBeyondSight(this)) {
      schedule.call(this);
      return;
    }
    waiting.add(this);
    window.setTimeout(() => {
      waiting.delete(this);
      if (!this.isDisposed) internals._scheduleCellRenderOnIdle.call(this);
    }, waitMs);
  };
}

/** Whether a page more than what is seen has been rendered. */
function reachesBeyondSight({ outerNode }: StaticNotebook): boolean {
  return outerNode.scrollHeight >= outerNode.scrollTop + 2 * outerNode.clientHeight;
}
