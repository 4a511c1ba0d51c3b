import { useRef, type RefObject } from 'react';

/**
 * For a form that is longer than the screen: what is wrong, marked at the next painting, must not stay out of sight.
 * @returns the form's ref, and what brings its first wrong field into view
 */
export function useRevealProblem(): { form: RefObject<HTMLFormElement | null>; revealProblem: () => void } {
  const form = useRef<HTMLFormElement>(null);
  function revealProblem(): void {
    requestAnimationFrame(() => {
      const wrong = form.current?.querySelector<HTMLElement>('[aria-invalid="true"]');
      wrong?.focus({ preventScroll: true });
      wrong?.scrollIntoView({ block: 'center' });
    });
  }
  return { form, revealProblem };
}
