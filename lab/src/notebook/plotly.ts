import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Widget } from '@lumino/widgets';

const mimeType = 'application/vnd.plotly.v1+json';

type Plotly = (typeof import('plotly.js-dist-min'))['default'];

/** A figure of Plotly, interactive. The library is a chunk of its own, loaded with the first figure. */
class PlotlyFigure extends Widget implements IRenderMime.IRenderer {
  #plotly: Plotly | undefined;

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const plotly = (await import('plotly.js-dist-min')).default;
    if (this.isDisposed) return;
    this.#plotly = plotly;
    // Of the figure's schema, the library itself checks what it reads.
    const { data, layout, frames, config } = model.data[mimeType] as Record<string, unknown>;
    await plotly.newPlot(this.node, {
      data: data ?? [],
      layout: layout ?? {},
      frames: frames ?? [],
      config: { responsive: true, ...(config as object | undefined) },
    });
  }

  protected override onResize(): void {
    if (this.#plotly !== undefined && this.isVisible) this.#plotly.Plots.resize(this.node);
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.#plotly?.purge(this.node);
    super.dispose();
  }
}

export const plotlyRenderer: IRenderMime.IExtension = {
  id: 'terrarium:plotly',
  rendererFactory: {
    safe: true,
    mimeTypes: [mimeType],
    createRenderer: () => new PlotlyFigure(),
  },
  rank: 0,
  dataType: 'json',
};
