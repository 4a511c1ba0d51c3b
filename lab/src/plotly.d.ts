declare module 'plotly.js-dist-min' {
  const plotly: {
    newPlot(node: HTMLElement, figure: Record<string, unknown>): Promise<unknown>;
    purge(node: HTMLElement): void;
    Plots: { resize(node: HTMLElement): void };
  };
  export default plotly;
}
