import { CodeCell } from '@jupyterlab/cells';
import { StaticNotebook } from '@jupyterlab/notebook';
import { type IOutputAreaModel, OutputArea } from '@jupyterlab/outputarea';
import type { IOutputModel } from '@jupyterlab/rendermime';

/** What JupyterLab's output area does about its outputs, which has no public way to be replaced. */
interface AreaInternals {
  onModelChanged(this: OutputArea, sender: IOutputAreaModel, change: IOutputAreaModel.ChangedArgs): void;
  _insertOutput(this: OutputArea, index: number, output: IOutputModel): void;
  _setOutput(this: OutputArea, index: number, output: IOutputModel): void;
}

interface CellInternals {
  initializeDOM(this: CodeCell): void;
}

/** Output areas whose outputs nobody has looked at yet. */
const waiting = new WeakSet<OutputArea>();

/**
 * Renders the outputs of a cell when the cell itself is, or when somebody looks for them. JupyterLab makes only a
 * placeholder for a cell at first, but renders its outputs beside it, of all cells before any is shown. Call it once,
 * before any notebook is opened.
 */
export function renderOutputsWithTheirCell(): void {
  // `as` twice, here and below: the methods are private or protected.
  const area = OutputArea.prototype as unknown as AreaInternals;
  const cell = CodeCell.prototype as unknown as CellInternals;
  const factory = StaticNotebook.ContentFactory.prototype;
  const { onModelChanged, _insertOutput, _setOutput } = area;
  const { initializeDOM } = cell;
  const { createCodeCell } = factory;
  const widgets = Object.getOwnPropertyDescriptor(OutputArea.prototype, 'widgets')?.get;
  if (widgets === undefined) throw new Error('An output area has no widgets.');

  let isMakingPlaceholder = false;
  factory.createCodeCell = function (options) {
    isMakingPlaceholder = options.placeholder === true;
    try {
      return createCodeCell.call(this, options);
    } finally {
      isMakingPlaceholder = false;
    }
  };
  area._insertOutput = function (index, output) {
    if (isMakingPlaceholder) waiting.add(this);
    if (!waiting.has(this)) _insertOutput.call(this, index, output);
  };
  area._setOutput = function (index, output) {
    if (!waiting.has(this)) _setOutput.call(this, index, output);
  };
  area.onModelChanged = function (sender, change) {
    // To remove what is shown, it would look for it, after it is gone from the model.
    if (change.type !== 'remove' || !waiting.has(this)) onModelChanged.call(this, sender, change);
    else this.outputLengthChanged.emit(Math.min(sender.length, this.maxNumberOutputs));
  };
  const render = (outputs: OutputArea): void => {
    if (!waiting.delete(outputs)) return;
    const { model, maxNumberOutputs } = outputs;
    // One more than are shown stands for all others.
    const count = Math.min(model.length, maxNumberOutputs + 1);
    for (let index = 0; index < count; index += 1) _insertOutput.call(outputs, index, model.get(index));
  };
  Object.defineProperty(OutputArea.prototype, 'widgets', {
    configurable: true,
    get(this: OutputArea) {
      render(this);
      return widgets.call(this) as unknown;
    },
  });
  cell.initializeDOM = function () {
    render(this.outputArea);
    initializeDOM.call(this);
  };
}
